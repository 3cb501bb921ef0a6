/**
 * Authorities and revocation lists that change while connections are open: what a client has shown once is
 * judged by what is known now.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { createClientAuthority } from '../../src/config/client-authority.fixture.ts'
import { request } from '../harness/http-client.ts'
import {
  ask,
  CLIENTS,
  type ClientName,
  GOOD_SERIAL,
  PARTNER_LIST,
  REVOKED_SERIAL,
  revoke,
  root,
  startMutualTls,
} from '../harness/mutual-tls.ts'
import type { Stack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { ask as askWebSocket, openWebSocket } from '../harness/web-socket.ts'

const PATIENCE = { withinMs: 2000, everyMs: 20 }

/** A connection that lives on: one request after the other goes over it. */
class Connection implements Disposable {
  readonly socket: TLSSocket
  session: Buffer | undefined
  #text = ''

  constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('session', (session) => {
      this.session = session
    })
    socket.on('data', (data: Buffer) => {
      this.#text += data.toString('latin1')
    })
    socket.on('error', () => socket.destroy())
  }

  /** The status of the next answer; undefined when the connection is closed instead. */
  async get(host: string): Promise<number | undefined> {
    this.#text = ''
    this.socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n\r\n`)
    return await until(
      () => {
        const status = /^HTTP\/1\.1 (\d+)[\s\S]*\r\n\r\n/.exec(this.#text)?.[1]
        return status === undefined ? this.socket.destroyed && 'closed' : Number(status)
      },
      { what: 'an answer on the connection', withinMs: 5000, everyMs: 5 },
    ).then((status) => (status === 'closed' ? undefined : status))
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

async function open(
  stack: Stack,
  options: {
    readonly session?: Buffer
    readonly shows?: boolean
    readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  } = {},
): Promise<Connection> {
  const { shows = true, ...rest } = options
  const socket = connect({
    host: '127.0.0.1',
    port: stack.edge.port,
    servername: 'public.localhost',
    ca: stack.ca.cert,
    ...(shows ? { cert: CLIENTS.good.cert, key: CLIENTS.good.key } : {}),
    ...rest,
  })
  const connection = new Connection(socket)
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  return connection
}

for (const enforcement of ['policy_with_default_deny', 'reject_connection'] as const) {
  describe(`with ${enforcement}`, async () => {
    const stack = await startMutualTls({ enforcement })
    after(() => stack[Symbol.asyncDispose]())
    const host = `public.localhost:${stack.edge.port}`
    const statusOf = async (client: ClientName) =>
      await ask(stack, 'public', client).then(
        ({ status }) => status,
        () => 'no connection',
      )
    const refused = enforcement === 'reject_connection' ? 'no connection' : 495
    afterEach(async () => {
      await writeFile(join(stack.folder, 'clients-ca.pem'), root.cert)
      await revoke(stack.folder, [REVOKED_SERIAL])
      await until(async () => (await statusOf('good')) === 200 && (await statusOf('revoked')) === refused, {
        what: 'all to be as before',
        ...PATIENCE,
      })
    })

    it('a certificate that is revoked counts no longer, on connections that are open either', async () => {
      using before = await open(stack)
      assert.equal(await before.get(host), 200)
      await revoke(stack.folder, [REVOKED_SERIAL, GOOD_SERIAL])
      await until(async () => (await before.get(host)) === 495, { what: 'the open connection', ...PATIENCE })
      await until(async () => (await statusOf('good')) === refused, { what: 'a new connection', ...PATIENCE })
    })

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`nor on connections that are resumed, over ${maxVersion}`, async () => {
        using first = await open(stack, { maxVersion })
        assert.equal(await first.get(host), 200)
        const { session } = first
        assert.ok(session !== undefined)
        using again = await open(stack, { maxVersion, session, shows: false })
        assert.ok(again.socket.isSessionReused())
        assert.equal(await again.get(host), 200)
        await revoke(stack.folder, [REVOKED_SERIAL, GOOD_SERIAL])
        await until(async () => (await first.get(host)) === 495, { what: 'the open connection', ...PATIENCE })
        assert.equal(await again.get(host), 495)
        const resumed = await open(stack, { maxVersion, session, shows: false }).catch(() => undefined)
        const status = await resumed?.get(host)
        assert.ok(status === 495 || (status === undefined && refused === 'no connection'), String(status))
        resumed?.[Symbol.dispose]()
      })
    }

    it('a list that has run out refuses all of its authority, and the log says so', async () => {
      await revoke(stack.folder, [], { nextUpdate: new Date(Date.now() + 1500) })
      await until(async () => (await statusOf('good')) === refused, {
        what: 'the list to run out',
        withinMs: 5000,
      })
      await stack.sallyport.waitForLog('that a list has run out', ({ msg }) =>
        /revocation list has run out/.test(msg ?? ''),
      )
    })

    it('a new authority is taken at once, and no connection is lost by it', async () => {
      using connection = await open(stack)
      const webSocket = await openWebSocket({
        url: stack.url('public', '/ws'),
        ca: stack.ca.cert,
        client: { cert: CLIENTS.good.cert, key: CLIENTS.good.key },
      })
      const another = await createClientAuthority('Another')
      const lists = [await root.revocationList([]), await another.revocationList([])]
      await writeFile(join(stack.folder, 'clients-ca.pem'), root.cert + another.cert)
      await writeFile(join(stack.folder, 'clients-crl.pem'), [...lists, PARTNER_LIST].join(''))
      const client = await another.issue()
      await until(
        async () =>
          await request({
            url: stack.url('public'),
            ca: stack.ca.cert,
            client: { cert: client.cert, key: client.key },
          }).then(
            ({ status }) => status === 200,
            () => false,
          ),
        { what: 'a client of the new authority', ...PATIENCE },
      )
      assert.equal(await connection.get(host), 200)
      assert.equal(await askWebSocket(webSocket, 'still here'), 'echo:still here')
      webSocket.terminate()
    })

    it('a list that can’t be read changes nothing, and is named with its place', async () => {
      await writeFile(join(stack.folder, 'clients-crl.pem'), 'junk')
      await stack.sallyport.waitForLog('what is wrong', ({ msg }) =>
        /clients|downstream_mtls\.crl_file: holds no revocation list/.test(msg ?? ''),
      )
      assert.equal(await statusOf('good'), 200)
      assert.equal(await statusOf('revoked'), refused)
    })
  })
}
