/**
 * What the attack tables shoot at: `app` (staff), `api` with `/public/` open and the rest staff, and one echo
 * app that counts its bytes. Each request goes out over HTTP/1.1 and HTTP/2, as a stranger who can take no
 * redirect.
 *
 * @module
 */
import assert from 'node:assert/strict'
import {
  type HeaderList,
  type RawHttp2Answer,
  rawHttp1,
  rawHttp2,
  requestFrames,
} from '../harness/raw-http.ts'
import type { Route } from '../harness/sallyport.ts'
import { PUBLIC, STAFF_ONLY, type Stack, type StackContext, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'

export interface Shot {
  readonly host: string
  readonly method?: string
  readonly path: string
  /** `host` or `:authority`, where it is not simply the host with the port. */
  readonly authority?: string
  readonly headers?: HeaderList
}

export interface Hit {
  readonly version: '1.1' | '2'
  /** 0: the connection or stream was closed without an answer. */
  readonly status: number
  readonly text: string
  /** What the app received because of it. */
  readonly seen: readonly EchoedRequest[]
  readonly bytes: number
}

export interface Target extends AsyncDisposable {
  readonly stack: Stack
  /** Cookies of alice, who is of staff, at `app` and `api`. */
  readonly staff: Readonly<Record<string, string>>
  readonly fire: (shot: Shot, version: '1.1' | '2') => Promise<Hit>
  /** The edge is still there and well: nothing crashed. */
  assertAlive(): Promise<void>
}

export async function openTarget(
  settings: Readonly<Record<string, unknown>> = {},
  more: (context: StackContext) => readonly Route[] = () => [],
): Promise<Target> {
  const stack = await startStack({
    settings,
    routes: ({ upstream, url, ...context }) => [
      { from: url('app', ''), to: upstream.url, ...STAFF_ONLY, allow_websockets: true },
      { from: url('api', ''), prefix: '/public/', to: upstream.url, ...PUBLIC },
      { from: url('api', ''), to: upstream.url, ...STAFF_ONLY },
      { from: url('public', ''), to: upstream.url, ...PUBLIC, allow_websockets: true },
      ...more({ upstream, url, ...context }),
    ],
  })
  const agent = stack.agent()
  await stack.signIn(agent, stack.url('app'))
  await agent.visit(stack.url('api'))
  const cookieOf = (host: string): string => agent.jar.header(new URL(stack.url(host))) ?? ''
  const { port } = stack.edge

  const fire = async (shot: Shot, version: '1.1' | '2'): Promise<Hit> => {
    const { upstream } = stack
    upstream.drain()
    const target = { port, servername: `${shot.host}.localhost`, ca: stack.ca.cert }
    const authority = shot.authority ?? `${shot.host}.localhost:${port}`
    const headers: HeaderList = [['accept', 'application/json'], ...(shot.headers ?? [])]
    const method = shot.method ?? 'GET'
    let status: number
    let text: string
    let isOver: boolean
    if (version === '1.1') {
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const request = `${method} ${shot.path} HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n`
      const answer = await rawHttp1(target, request)
      status = answer.status
      text = answer.text
      isOver = answer.closed
    } else {
      const pseudo: HeaderList = [
        [':method', method],
        [':scheme', 'https'],
        [':authority', authority],
        [':path', shot.path],
      ]
      const lower = headers.map(([name, value]) => [name.toLowerCase(), value] as const)
      const answer = await rawHttp2(target, requestFrames([...pseudo, ...lower]))
      status = answer.status
      text = answer.body
      isOver = isRefusal(answer)
    }
    // Silence is no refusal: it comes of a request that got nowhere, too.
    if (status === 0 && !isOver) throw new Error(`HTTP/${version}: no answer to ${method} ${shot.path}`)
    return { version, status, text, seen: [...upstream.requests], bytes: upstream.drain() }
  }

  const staff = { app: cookieOf('app'), api: cookieOf('api') }
  for (const [host, cookie] of Object.entries(staff)) {
    const { status } = await fire({ host, path: '/alive', headers: [['cookie', cookie]] }, '1.1')
    assert.equal(status, 200, `alice is let in at ${host}: attacks would fail for another reason`)
  }

  return {
    stack,
    staff,
    fire,
    async assertAlive() {
      await until(async () => (await fire({ host: 'public', path: '/alive' }, '1.1')).status === 200, {
        what: 'the edge to serve',
        withinMs: 2_000,
      })
      assert.equal(stack.sallyport.process.exit, undefined)
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

/** Whether a stream or its connection was ended instead of being answered. */
export const isRefusal = ({ reset, goAway, closed }: RawHttp2Answer): boolean =>
  reset !== undefined || goAway !== undefined || closed

export const VERSIONS = ['1.1', '2'] as const

/** 4xx from the edge, or a closed stream, and not one byte at the app. */
export function assertRefused(hit: Hit): void {
  assert.equal(
    hit.bytes,
    0,
    `HTTP/${hit.version}: ${hit.bytes} bytes reached the app: ${JSON.stringify(hit.seen)}`,
  )
  assert.ok(
    hit.status === 0 || (hit.status >= 400 && hit.status < 500),
    `HTTP/${hit.version}: status ${hit.status}`,
  )
}
