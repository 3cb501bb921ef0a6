import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { assertPortFree } from './port.ts'

describe('assertPortFree', () => {
  it('names the key and the process that holds the port', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const { port } = address
    const inUse = {
      code: 'PORT_IN_USE',
      message: new RegExp(`127\\.0\\.0\\.1:${port} is in use by .+ \\(pid ${process.pid}\\).*"address"`),
    }
    await assert.rejects(assertPortFree({ host: '127.0.0.1', port, key: 'address' }), inUse)
    // A wildcard listener collides with one of a single address.
    await assert.rejects(assertPortFree({ host: '0.0.0.0', port, key: 'address' }), { code: 'PORT_IN_USE' })
    server.close()
    await once(server, 'close')
    await assertPortFree({ host: '127.0.0.1', port, key: 'address' })
  })

  it('says when an address is not of this machine', async () => {
    await assert.rejects(assertPortFree({ host: '203.0.113.7', port: 0, key: 'http_redirect_addr' }), {
      code: 'CONFIG_INVALID',
      message: /"http_redirect_addr": can't listen on 203\.0\.113\.7/,
    })
  })
})
