/**
 * Methods that are not all upper-case, sent to servers that make upper-case of them: first straight, which
 * shows that they do, then through Sallyport, whose rules on methods they must not escape.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { skipWithout } from '../harness/parts.ts'
import { findPathServers, type PathServer, startPythonServer } from '../harness/path-servers.ts'
import { rawHttp1, rawHttp2, requestFrames } from '../harness/raw-http.ts'
import { PUBLIC, startStack } from '../harness/stack.ts'

const { python } = await findPathServers()

const ODD = ['post', 'Post', 'pOST', 'POSt', 'delete', 'Delete', 'dELETE', 'get', 'Get', 'gEt'] as const
const ALLOW_ALL = { allow: { or: [{ accept: true }] } }
const CHANGES = ['POST', 'DELETE'] as const

/** What a stranger is kept from, and by which rule. */
const POLICIES: Readonly<Record<string, object>> = {
  'an allow rule for GET': { policy: [{ allow: { and: [{ http_method: { is: 'GET' } }] } }] },
  'deny rules for what changes': {
    policy: CHANGES.map((method) => ({ ...ALLOW_ALL, deny: { or: [{ http_method: { is: method } }] } })),
  },
  'a deny rule for a list': {
    policy: [{ ...ALLOW_ALL, deny: { or: [{ http_method: { in: [...CHANGES] } }] } }],
  },
}

const hostOf = (server: number, policy: number | 'open') => `s${server}p${policy}`

describe('a method that is not upper-case', { ...skipWithout(python) }, async () => {
  if (skipWithout(python).skip !== undefined) return
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  const servers: readonly PathServer[] = [
    stop.use(await startPythonServer('flask')),
    stop.use(await startPythonServer('django')),
  ]
  const stack = stop.use(
    await startStack({
      // The name in `*.localhost` counts for nothing to Node.
      hosts: servers.flatMap((_, at) => [
        hostOf(at, 'open'),
        ...Object.keys(POLICIES).map((_policy, index) => hostOf(at, index)),
      ]),
      routes: ({ url }) =>
        servers.flatMap(({ url: to }, server) => [
          { from: url(hostOf(server, 'open'), ''), to, ...PUBLIC },
          ...Object.values(POLICIES).map((policy, at) => ({
            from: url(hostOf(server, at), ''),
            to,
            ...policy,
          })),
        ]),
    }),
  )

  const send = {
    '1.1': async (host: string, method: string) => {
      const { port } = stack.edge
      const target = { port, servername: `${host}.localhost`, ca: stack.ca.cert }
      const head = `${method} /things HTTP/1.1\r\nhost: ${host}.localhost:${port}\r\ncontent-length: 0\r\n\r\n`
      const { status, text } = await rawHttp1(target, head, { withinMs: 10_000 })
      return { status, text }
    },
    '2': async (host: string, method: string) => {
      const { port } = stack.edge
      const target = { port, servername: `${host}.localhost`, ca: stack.ca.cert }
      const { status, body } = await rawHttp2(
        target,
        requestFrames([
          [':method', method],
          [':scheme', 'https'],
          [':authority', `${host}.localhost:${port}`],
          [':path', '/things'],
        ]),
      )
      return { status, text: body }
    },
  }

  for (const [at, { name, port }] of servers.entries()) {
    it(`is another one to ${name}, when nobody is before it`, async () => {
      const { text } = await rawHttp1(
        { port },
        'post /things HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n',
      )
      assert.match(text, /OPEN POST/)
    })

    for (const [version, through] of Object.entries(send)) {
      it(`is told to be none before ${name}, also where everything may pass, over HTTP/${version}`, async () => {
        assert.match((await through(hostOf(at, 'open'), 'POST')).text, /OPEN POST/)
        const { status, text } = await through(hostOf(at, 'open'), 'post')
        assert.equal(status, 400)
        assert.match(text, /Methods of HTTP are in upper case/)
      })

      for (const [index, policy] of Object.keys(POLICIES).entries()) {
        it(`escapes no rule before ${name} over HTTP/${version}: ${policy}`, async () => {
          const host = hostOf(at, index)
          assert.match((await through(host, 'GET')).text, /OPEN GET/)
          for (const method of [...CHANGES, ...ODD]) {
            const { status, text } = await through(host, method)
            assert.doesNotMatch(text, /OPEN/, method)
            assert.ok(status >= 300, `${method}: ${status}`)
          }
        })
      }
    }
  }
})
