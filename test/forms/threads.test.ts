/**
 * Long files are read in threads of their own, whose code is a file of its own in a checkout: each form has to
 * bring it along.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { freePort, tempDir } from '../harness/ports.ts'
import { startProcess } from '../harness/process.ts'
import { invocation } from '../harness/program.ts'
import { until } from '../harness/until.ts'
import { builtFiles } from './built.ts'

const ROUTES = 600
const PEOPLE = 2_000

function longConfig(healthPort: number, lastHost: string): string {
  const hosts = [...Array.from({ length: ROUTES - 1 }, (_, n) => `app${n}`), lastHost]
  const routes = hosts.map(
    (host) => `  - from: https://${host}.localhost
    to: http://127.0.0.1:9
    policy: { allow: { or: [{ groups: { has: staff } }] } }`,
  )
  return `address: 127.0.0.1:1
health_check_addr: 127.0.0.1:${healthPort}
authenticate_service_url: https://authenticate.localhost
idp_provider: oidc
idp_provider_url: https://idp.localhost
idp_client_id: forms
idp_client_secret: a-secret-of-the-test
directory: [{ name: people, type: file, path: people.yaml }]
records: { table: { path: table.csv, key: user.email } }
routes:
${routes.join('\n')}
`
}

const people = Array.from({ length: PEOPLE }, (_, n) => `person${n}@example.com`)

for (const [form, program] of Object.entries(builtFiles()).filter(([name]) => /bundle|singleFile/.test(name)))
  describe(`threads of the form: ${form}`, () => {
    it('read a long configuration, a long directory file and a long table', async () => {
      await using folder = await tempDir('threads')
      const port = await freePort()
      const file = join(folder.path, 'config.yaml')
      writeFileSync(file, longConfig(port, 'first'))
      writeFileSync(join(folder.path, 'people.yaml'), `groups: { staff: [${people.join(', ')}] }\n`)
      writeFileSync(
        join(folder.path, 'table.csv'),
        `email,team\n${people.map((each) => `${each},x\n`).join('')}`,
      )
      await using sallyport = startProcess({
        ...invocation(program, ['serve', '--envoy', 'external']),
        cwd: folder.path,
      })
      const status = async () =>
        (await request({ url: `http://127.0.0.1:${port}/status` }).catch(() => undefined))?.text ?? ''
      await until(async () => /"generation":1\b/.test(await status()), { what: 'a start', withinMs: 60_000 })
      await until(
        async () => {
          const text = await status()
          return (
            /"name":"people"[^}]*"state":"good"/.test(text) && text.includes('table\\"":{"state":"ready"')
          )
        },
        { what: 'both lists to be read', withinMs: 20_000 },
      )
      writeFileSync(`${file}.next`, longConfig(port, 'second'))
      renameSync(`${file}.next`, file)
      await sallyport.waitForLine(/"generation":2,.*a new configuration is in force/, 30_000)
      assert.doesNotMatch(sallyport.lines.join('\n'), /"level":"error"/)
    })
  })
