/**
 * Requests that stay open end when whoever opened them may not go on: each kind of them, each reason.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startGrpcUpstream } from '../harness/grpc.ts'
import { type LiveStream, openStream, STREAM_KINDS, type StreamKind } from '../harness/live-stream.ts'
import { type Route, sallyportCli } from '../harness/sallyport.ts'
import { ANYONE_SIGNED_IN, groupPolicy, PUBLIC, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const grpcUpstream = await startGrpcUpstream()
after(() => grpcUpstream[Symbol.asyncDispose]())

const PEOPLE =
  'users:\n  - { email: alice@example.com, groups: [crew] }\n  - { email: bob@example.com, groups: [crew] }\n'
const CREW = { policy: groupPolicy('crew') } as const

const stack = await startStack({
  settings: { directory: [{ name: 'people', type: 'file', path: 'people.yaml', match_by: 'email' }] },
  beforeServe: ({ folder }) => writeFile(join(folder, 'people.yaml'), PEOPLE),
  routes: routesWith(),
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca } = stack

/** Two routes for each way to judge: gRPC has an upstream of its own. */
function routesWith(changes: { readonly crew?: object; readonly without?: 'api' } = {}) {
  return ({
    upstream,
    url: at,
  }: {
    upstream: { url: string }
    url: (host: string, path: string) => string
  }) => {
    const app = { to: upstream.url, allow_websockets: true }
    const rpc = { to: `h2c://127.0.0.1:${grpcUpstream.port}` }
    const crew = changes.crew ?? CREW
    const routes: readonly (Route & { from: string })[] = [
      { from: at('app', ''), ...app, ...ANYONE_SIGNED_IN },
      { from: at('api', ''), ...rpc, ...ANYONE_SIGNED_IN },
      { from: at('wiki', ''), ...app, ...crew },
      { from: at('grpc', ''), ...rpc, ...crew },
      { from: at('lab', ''), ...app, ...CREW, supervise: 'none' },
      { from: at('public', ''), ...app, ...PUBLIC },
    ]
    return routes
  }
}

const hostFor = (kind: StreamKind, judged: 'anyone' | 'crew'): string =>
  kind === 'gRPC' ? (judged === 'crew' ? 'grpc' : 'api') : judged === 'crew' ? 'wiki' : 'app'

const HOSTS = ['app', 'api', 'wiki', 'grpc', 'lab']

/** The directory may still be as the test before has left it. */
async function signedIn(login: string) {
  return await until(
    async () => {
      const agent = stack.agent()
      for (const host of HOSTS) await stack.signIn(agent, url(host), login).catch(() => undefined)
      const statuses = await Promise.all(HOSTS.map(async (host) => (await agent.fetch(url(host))).status))
      return statuses.some((status) => [302, 401, 403].includes(status)) ? undefined : agent
    },
    { what: `${login} to be let in` },
  )
}
type Agent = Awaited<ReturnType<typeof signedIn>>

const openAs = async (agent: Agent, kind: StreamKind, host: string): Promise<LiveStream> =>
  await openStream(kind, {
    url: url(host, ''),
    ca: ca.cert,
    headers: { cookie: agent.jar.header(new URL(url(host))) ?? '' },
  })

/** One of each kind. */
async function openAll(agent: Agent, judged: 'anyone' | 'crew'): Promise<readonly LiveStream[]> {
  return await Promise.all(STREAM_KINDS.map((kind) => openAs(agent, kind, hostFor(kind, judged))))
}

const CUT = ['close 1006', 'aborted', 'reset 2', 'status 13']

async function assertCut(streams: readonly LiveStream[], act: () => Promise<unknown>): Promise<void> {
  for (const stream of streams) await stream.alive()
  await act()
  const ends = await Promise.all(streams.map(({ ended }) => ended))
  assert.deepEqual(ends, CUT)
}

async function assertOpen(streams: readonly LiveStream[]): Promise<void> {
  for (const stream of streams) await stream.alive()
}

const close = (streams: readonly LiveStream[]) => {
  for (const stream of streams) stream[Symbol.dispose]()
}

describe('streams of one person', () => {
  let bob: Agent
  let ofBob: readonly LiveStream[]
  before(async () => {
    bob = await signedIn('bob')
    ofBob = [...(await openAll(bob, 'anyone')), ...(await openAll(bob, 'crew'))]
  })
  after(() => close(ofBob))

  it('end when they sign out, and those of others go on', async () => {
    const alice = await signedIn('alice')
    const streams = await openAll(alice, 'anyone')
    await assertCut(streams, () => alice.visit(url('app', '/.pomerium/sign_out')))
    await assertOpen(ofBob)
  })

  it('end when they lose the group that the policy asks for, and others of theirs go on', async () => {
    const alice = await signedIn('alice')
    const streams = await openAll(alice, 'crew')
    const others = await openAll(alice, 'anyone')
    await assertCut(streams, () =>
      writeFile(
        join(stack.folder, 'people.yaml'),
        PEOPLE.replace('alice@example.com, groups: [crew]', 'alice@example.com, groups: []'),
      ),
    )
    await assertOpen([...others, ...ofBob])
    close(others)
    await writeFile(join(stack.folder, 'people.yaml'), PEOPLE)
  })

  it('end when they are deactivated', async () => {
    const alice = await signedIn('alice')
    const streams = await openAll(alice, 'anyone')
    await assertCut(streams, () =>
      writeFile(
        join(stack.folder, 'people.yaml'),
        PEOPLE.replace('alice@example.com,', 'alice@example.com, active: false,'),
      ),
    )
    await assertOpen(ofBob)
    await writeFile(join(stack.folder, 'people.yaml'), PEOPLE)
  })

  it('go on where the route says so, and where nobody need be known', async () => {
    const alice = await signedIn('alice')
    const streams = [
      await openAs(alice, 'WebSocket', 'lab'),
      await openAs(alice, 'events over HTTP/2', 'public'),
    ]
    const [cut] = [await openAs(alice, 'WebSocket', 'app')]
    await alice.visit(url('app', '/.pomerium/sign_out'))
    assert.equal(await cut.ended, CUT[0])
    await assertOpen(streams)
    close(streams)
  })
})

describe('streams of all who use a route', () => {
  it('end when an edit of its policy denies them, and those on other routes go on', async () => {
    const alice = await signedIn('alice')
    const streams = await openAll(alice, 'crew')
    const others = await openAll(alice, 'anyone')
    await assertCut(streams, () =>
      stack.edit({ routes: routesWith({ crew: { policy: groupPolicy('staff-of-nobody') } })(stack) }),
    )
    await assertOpen(others)
    close(others)
    await stack.edit({ routes: routesWith()(stack) })
  })

  it('end with the route', async () => {
    const alice = await signedIn('alice')
    const streams = await openAll(alice, 'crew')
    const without = routesWith()(stack).filter(({ from }) => !/wiki|grpc/.test(from))
    await assertCut(streams, () => stack.edit({ routes: without }))
    await stack.edit({ routes: routesWith()(stack) })
  })

  it('end when the time comes after which the policy denies', async () => {
    const alice = await signedIn('alice')
    const soon = new Date(Date.now() + 6000).toISOString()
    const untilThen = {
      policy: { allow: { and: [{ groups: { has: 'crew' } }, { date: { before: soon } }] } },
    }
    await stack.edit({ routes: routesWith({ crew: untilThen })(stack) })
    const streams = await openAll(alice, 'crew')
    await assertCut(streams, async () => undefined)
    assert.ok(Date.now() >= Date.parse(soon))
    await stack.edit({ routes: routesWith()(stack) })
  })
})

describe('streams with a lifetime', () => {
  it('end when the session has lasted as long as the route takes, or as long as nobody used it', async () => {
    for (const limit of [{ session_lifetime: '6s' }, { session_idle_timeout: '5s' }]) {
      await stack.edit({ routes: routesWith({ crew: { ...CREW, ...limit } })(stack) })
      const alice = await signedIn('alice')
      const others = await openAll(alice, 'anyone')
      const streams = await openAll(alice, 'crew')
      await assertCut(streams, async () => undefined)
      await assertOpen(others)
      close(others)
    }
    await stack.edit({ routes: routesWith()(stack) })
  })
})

const cli = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await sallyportCli([
    'service-account',
    ...words,
    '--config',
    stack.sallyport.configFile,
  ])
  assert.equal(code, 0, stderr)
  return stdout.trim()
}

describe('streams of a machine', () => {
  it('end with its service account', async () => {
    const token = await cli('create', 'robot')
    const streams = await Promise.all(
      STREAM_KINDS.map((kind) =>
        openStream(kind, {
          url: url(hostFor(kind, 'anyone'), ''),
          ca: ca.cert,
          headers: { authorization: `Pomerium ${token}` },
        }),
      ),
    )
    await assertCut(streams, () => cli('revoke', 'robot'))
  })
})

describe('a stream that was cut', () => {
  it('is written down with the id of its request and why, and counted', async () => {
    const alice = await signedIn('alice')
    const stream = await openAs(alice, 'WebSocket', 'app')
    await alice.visit(url('app', '/.pomerium/sign_out'))
    await stream.ended
    const line = await stack.sallyport.waitForLog('the end', ({ msg }) => msg === 'open stream ended')
    assert.match(String(line['request-id']), /^[\da-f-]{36}$/)
    assert.equal(typeof line['reason'], 'string')
    const metrics = await (await fetch(`http://127.0.0.1:${stack.edge.metricsPort}/metrics`)).text()
    assert.match(metrics, /^sallyport_streams_cut_total\S* [1-9]/m)
  })

  it('is refused by 401 when its client comes back, never by a redirect', async () => {
    const alice = await signedIn('alice')
    const cookies = STREAM_KINDS.map((kind) => alice.jar.header(new URL(url(hostFor(kind, 'anyone')))) ?? '')
    await alice.visit(url('app', '/.pomerium/sign_out'))
    for (const [index, kind] of STREAM_KINDS.entries())
      await assert.rejects(
        openStream(kind, {
          url: url(hostFor(kind, 'anyone'), ''),
          ca: ca.cert,
          headers: {
            cookie: cookies[index] ?? '',
            ...(kind.startsWith('events') && { accept: 'text/event-stream' }),
          },
        }),
        /401|status 16/,
        kind,
      )
  })
})
