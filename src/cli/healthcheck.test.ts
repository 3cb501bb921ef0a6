import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import schema from '../../config.schema.json' with { type: 'json' }
import { addressIn, DEFAULT_ADDRESS, healthcheck } from './healthcheck.ts'

/** A health listener that is ready from the `readyFrom`th question on. */
async function listener(readyFrom: number): Promise<{ server: Server; address: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer(({ url = '' }, response) => {
    asked.push(url)
    const isReady = url === '/healthz' || asked.length >= readyFrom
    response.writeHead(isReady ? 200 : 503).end(isReady ? 'ok' : 'envoy: not connected')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { server, address: `127.0.0.1:${address.port}`, asked }
}

describe('sallyport healthcheck', () => {
  it('asks where Sallyport answers by default', () => {
    assert.equal(schema.properties.health_check_addr.default, DEFAULT_ADDRESS)
  })

  it('asks whether it is alive, or whether it is ready, and tells why not', async (t) => {
    const { server, address, asked } = await listener(3)
    t.after(() => server.close())
    let said = ''
    const out = { write: (text: string) => (said += text) }
    assert.equal(await healthcheck({ address, what: 'alive', wait: '0' }, out), 0)
    assert.equal(said, '')
    assert.equal(await healthcheck({ address, what: 'ready', wait: '0' }, out), 1)
    assert.match(said, /\/readyz answered 503: envoy: not connected\n$/)
    assert.deepEqual(asked, ['/healthz', '/readyz'])
  })

  it('waits until it is ready', async (t) => {
    const { server, address, asked } = await listener(3)
    t.after(() => server.close())
    const out = { write: (text: string) => assert.fail(text) }
    assert.equal(await healthcheck({ address, what: 'ready', wait: '30' }, out), 0)
    assert.equal(asked.length, 3)
  })

  it('asks no more once the process that would answer has ended', async () => {
    const { server, address } = await listener(1)
    server.close()
    await once(server, 'close')
    const ended = spawnSync(process.execPath, ['--version']).pid
    const out = { write: () => undefined }
    const [gone, stays] = [String(ended), String(process.pid)]
    assert.equal(await healthcheck({ address, what: 'alive', wait: '3000', pid: gone }, out), 1)
    assert.equal(await healthcheck({ address, what: 'alive', wait: '0.3', pid: stays }, out), 1)
    await assert.rejects(healthcheck({ address, what: 'alive', wait: '1', pid: '-1' }, out), {
      code: 'USAGE',
    })
  })

  it('fails with the reason when nobody listens', async () => {
    const { server, address } = await listener(1)
    server.close()
    await once(server, 'close')
    let said = ''
    const out = { write: (text: string) => (said += text) }
    assert.equal(await healthcheck({ address, what: 'alive', wait: '0.3' }, out), 1)
    assert.match(said, /does not answer: .*ECONNREFUSED/)
  })

  for (const address of [
    'example.com',
    'http://127.0.0.1:1',
    'a@127.0.0.1:1',
    '127.0.0.1:x',
    '127.0.0.1:99999',
  ])
    it(`refuses an address such as ${address}`, async () => {
      const out = { write: () => undefined }
      await assert.rejects(healthcheck({ address, what: 'alive', wait: '0' }, out), { code: 'USAGE' })
    })

  for (const wait of ['', 'soon', '-1', '1e9', '4000'])
    it(`refuses to wait for "${wait}" seconds`, async () => {
      const out = { write: () => undefined }
      await assert.rejects(healthcheck({ address: undefined, what: 'alive', wait }, out), { code: 'USAGE' })
    })
})

describe('the address of the health listener in a configuration', () => {
  it('is asked on this machine where it listens on all addresses', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-health-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'config.yaml')
    for (const [set, asked] of [
      ['127.0.0.1:9', '127.0.0.1:9'],
      [':28081', '127.0.0.1:28081'],
      ['"[::]:28082"', '[::1]:28082'],
      ['"[::1]:28083"', '[::1]:28083'],
    ]) {
      writeFileSync(file, `health_check_addr: ${set}\nroutes: []\n`)
      assert.equal(await addressIn(file, {}), asked)
    }
  })

  it('is the default without a configuration, and for one that can not be used', async () => {
    assert.equal(await addressIn(undefined), undefined)
    assert.equal(await addressIn(join(tmpdir(), 'no-such-sallyport.yaml'), {}), undefined)
  })
})
