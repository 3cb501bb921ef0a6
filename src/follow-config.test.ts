import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, it } from 'node:test'
import type { Config } from './config/config.ts'
import { parseConfig } from './config/parse.ts'
import { configHealth, portMistakes } from './follow-config.ts'

function configWith(keys: string): Config {
  const parsed = parseConfig(`${keys}\nroutes: []\n`)
  assert.ok('config' in parsed)
  return parsed.config
}

describe('a change of the ports that Envoy listens on', () => {
  it('is a mistake at its key when something else has the port, and none for the ports that are ours', async () => {
    await using server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ours = configWith(`address: 127.0.0.1:${port}`)
    const other = configWith('address: 127.0.0.1:1')
    assert.deepEqual(await portMistakes(ours, ours, undefined), [])
    const wanted = { address: '', http_redirect_addr: 'address: 127.0.0.1:1\n' }
    for (const [key, rest] of Object.entries(wanted)) {
      const next = configWith(`${rest}${key}: 127.0.0.1:${port}`)
      const mistakes = await portMistakes(next, other, undefined)
      assert.deepEqual(
        mistakes.map(({ path }) => path),
        [[key]],
      )
      assert.match(mistakes[0]?.message ?? '', new RegExp(`127\\.0\\.0\\.1:${port} is in use.*set "${key}"`))
    }
    // The redirect may move to where the proxy was.
    assert.deepEqual(
      await portMistakes(configWith(`http_redirect_addr: 127.0.0.1:${port}`), ours, undefined),
      [],
    )
  })

  it('is a mistake when this machine does not have the address', async () => {
    const next = configWith('address: 192.0.2.1:65000')
    assert.match(
      (await portMistakes(next, configWith(''), undefined))[0]?.message ?? '',
      /can't listen on 192/,
    )
  })
})

describe('the health of the configuration', () => {
  const well = { generation: 1, checksum: '', loadedAt: 0, warnings: [], unwatchedFolders: [] }
  const problem = { file: 'c.yaml', line: 1, column: 1, path: [], message: 'there is no such file' }
  it('has a sentence for each way in which an edit has no effect, or a late one', () => {
    assert.equal(configHealth({ ...well, state: 'good' }), undefined)
    assert.match(
      configHealth({ ...well, state: 'refused', lastProblem: { at: 0, problems: [problem] } }) ?? '',
      /^not taken, the last good one stays: 1 mistake, see/,
    )
    assert.match(
      configHealth({ ...well, state: 'lost', lastProblem: { at: 0, problems: [problem] } }) ?? '',
      /^lost, the last good one stays: there is no such file$/,
    )
    assert.match(
      configHealth({ ...well, state: 'good', unwatchedFolders: ['/conf'] }) ?? '',
      /within seconds only: .*\/conf$/,
    )
  })
})
