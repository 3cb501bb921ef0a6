/**
 * The scripts name their test files by patterns; a test file that none of them finds would never fail.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import manifest from '../package.json' with { type: 'json' }

it('every test file is run by npm test, or by npm run test:forms, test:docker, test:deb or test:apps', () => {
  const cwd = join(import.meta.dirname, '..')
  const { 'test:unit': unit, 'test:e2e': e2e, 'test:apps': apps } = manifest.scripts
  const ofFolders = ['forms', 'docker', 'systemd'].map((name) =>
    readFileSync(join(cwd, 'test', name, 'run.ts'), 'utf8'),
  )
  const patterns = [
    ...`${unit} ${e2e} ${ofFolders.join(' ')} ${apps}`.matchAll(/["']([^"']+\.test\.ts)["']/g),
  ].map(([, pattern = '']) => pattern)
  assert.ok(patterns.length >= 2)
  const run = new Set(globSync(patterns, { cwd }))
  const all = globSync('**/*.test.ts', { cwd, exclude: ['**/node_modules/**', '.cache/**'] })
  assert.ok(all.length > 50)
  assert.deepEqual(
    all.filter((file) => !run.has(file)),
    [],
  )
})
