import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { FileParser } from './file-parser.ts'
import { loadWithWarnings } from './load.ts'

let top: string
let folder: string
let secret: string
let file: string
before(async () => {
  top = await mkdtemp(join(tmpdir(), 'sallyport-modes-'))
  folder = join(top, 'keys')
  secret = join(folder, 'shared')
  file = join(top, 'config.yaml')
  await mkdir(folder)
  await writeFile(secret, `${Buffer.alloc(32, 3).toString('base64')}\n`)
  await writeFile(file, 'shared_secret_file: keys/shared\nroutes: []\n')
})
after(() => rm(top, { recursive: true }))

async function warnings(ofFile: number, ofFolder: number): Promise<readonly string[]> {
  await chmod(secret, ofFile)
  await chmod(folder, ofFolder)
  return loadWithWarnings(file).warnings
}

describe('a secret file', () => {
  it('is not warned about when only its owner, or its group too, may read it', async () => {
    assert.deepEqual(await warnings(0o600, 0o700), [])
    assert.deepEqual(await warnings(0o640, 0o755), [])
    assert.deepEqual(await warnings(0o400, 0o1777), [])
  })

  it('that others may read or write is named with the cure', async () => {
    assert.match(
      (await warnings(0o644, 0o755)).join(),
      /the secret file .*shared can be read .*chmod o-r .*shared$/,
    )
    for (const mode of [0o666, 0o620, 0o602])
      assert.match((await warnings(mode, 0o755)).join(), /shared can be written .*chmod go-w,o-r .*shared$/)
  })

  it('in a folder where others may replace it is named with the folder', async () => {
    for (const mode of [0o777, 0o775])
      assert.match(
        (await warnings(0o600, mode)).join(),
        /the folder .*keys of a secret file .*chmod go-w .*keys$/,
      )
  })

  it('of one route among others is named after each edit of the others', async () => {
    const token = join(folder, 'token')
    await writeFile(token, 'a-token-of-a-service-account\n')
    await chmod(token, 0o644)
    const parser = new FileParser(file, {})
    for (const target of ['http://a', 'http://b', 'http://c']) {
      await writeFile(
        file,
        `shared_secret_file: keys/shared
routes:
  - { from: https://a.example.com, to: ${target} }
  - { from: https://k.example.com, to: https://k, kubernetes_service_account_token_file: keys/token }
`,
      )
      const parsed = parser.parse(1, new Map())
      assert.ok(parsed.kind === 'config', JSON.stringify(parsed))
      assert.match(parsed.warnings.join(), /the secret file .*token can be read/)
    }
  })
})
