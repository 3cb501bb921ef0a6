import assert from 'node:assert/strict'
import fs, { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../../../test/harness/until.ts'
import { WatchedFiles } from './watched-files.ts'

/** Files of which the system tells nothing, as on a network file system. */
function blindFiles(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-files-'))
  const file = join(folder, 'config.yaml')
  writeFileSync(file, 'one')
  t.mock.method(fs, 'watch', () => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  })
  syncBuiltinESMExports()
  t.mock.timers.enable({ apis: ['setInterval'] })
  let reports = 0
  const files = new WatchedFiles([file], () => (reports += 1))
  t.after(() => {
    files[Symbol.dispose]()
    t.mock.restoreAll()
    syncBuiltinESMExports()
    rmSync(folder, { recursive: true, force: true })
  })
  /** Until the look that every two seconds bring has done its work. */
  const lookUntil = (isDone: () => boolean, what: string) =>
    until(
      () => {
        t.mock.timers.tick(2000)
        return isDone()
      },
      { what },
    )
  return { folder, file, files, lookUntil, reports: () => reports }
}

describe('files of which the system tells nothing', () => {
  it('are found to have changed by looking, each time', async (t) => {
    const { folder, file, files, lookUntil, reports } = blindFiles(t)
    assert.deepEqual(files.blindFolders, [folder])
    files.suspect()
    await until(() => reports() === 1, { what: 'the first look' })
    for (const [at, text] of ['two', 'three'].entries()) {
      writeFileSync(file, text)
      await lookUntil(() => reports() === at + 2, `${text} to be found`)
    }
  })

  it('are watched as soon as the system can', async (t) => {
    const { files, lookUntil, reports } = blindFiles(t)
    files.suspect()
    await until(() => reports() === 1, { what: 'the first look' })
    t.mock.restoreAll()
    syncBuiltinESMExports()
    await lookUntil(() => files.blindFolders.length === 0, 'the watch')
    await lookUntil(() => reports() === 2, 'what was written before the watch to be read')
  })
})
