/**
 * Made-up spellings of a closed path, sent to real servers: first straight, which shows that these servers do
 * open it for many of them, then through Sallyport as a stranger, who must get none of it.
 *
 * @module
 */
import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
import { after, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { need, skipWithout } from '../harness/parts.ts'
import {
  findPathServers,
  type PathServer,
  startNodeServers,
  startPythonServer,
  startTomcat,
} from '../harness/path-servers.ts'
import { PUBLIC, STAFF_ONLY, type Stack, startStack } from '../harness/stack.ts'

const found = await findPathServers()
const skip = { ...skipWithout(found.tomcat), ...skipWithout(found.python) }

/** Fixed, so that a failure is one again on the next run. */
const SEED = 20_301
const SPELLINGS = 1000
/** Of those that open the closed path, and of the others. */
const MOST_OPENING = 80
const MOST_OTHERS = 20
/** What nobody takes for the closed path; each begins within a segment or a folder that is open. */
const HONEST = [
  'x',
  'users/',
  'users',
  'admin.html',
  'a%20b',
  '%C3%A9',
  'x?to=/admin/users',
  'x/y/z.js',
  'x,y=1',
]
/** Of all spellings, how many at least are refused: a test whose requests never arrive would see none. */
const REFUSED_SHARE = 0.2

const oneOf = (...texts: readonly string[]) => fc.constantFrom(...texts)
const LEAD = [
  '',
  '',
  '',
  '/x/..',
  '/x/..;',
  '/x/..;v=1',
  '/;',
  '/;v=1',
  '/.',
  '/.;',
  '/x/%2e%2e',
  '/x/.%2E;',
  '/x/%252e%252e',
  '/x/%2%65%2e%2f..',
]
const MORE_LEAD = [
  '/',
  '//',
  '/%2f',
  '/x%2f..',
  '/x;/..',
  '/x/..%2f',
  '/%5c',
  '/x\\..',
  '/x/..%20',
  '/x/%2e%2e%3b',
  '/x%252f..',
]
const END = [
  '/',
  '/',
  '/',
  ';/',
  ';v=1/',
  ';v=1;w=2/',
  '%2f',
  '%2F',
  '%252f',
  '%3bv/',
  '%253b/',
  '%5c',
  '\\',
  '//',
  '/./',
  '/;v/',
]
const letters = fc.array(oneOf('plain', 'plain', 'plain', 'once', 'twice', 'thrice'), {
  minLength: 5,
  maxLength: 5,
})
const admin = fc.oneof(
  fc.constant('admin'),
  letters.map((how) => Array.from('admin', (letter, index) => escaped(letter, how[index] ?? '')).join('')),
)
const closed = fc
  .tuple(
    oneOf(...LEAD, ...MORE_LEAD),
    oneOf('/', '/', '/', ''),
    admin,
    oneOf(...END, '/x/../'),
    oneOf('users', 'users;v', 'a%20b', '%41/'),
  )
  .map((parts) => parts.join(''))

function escaped(letter: string, how: string): string {
  const code = letter.charCodeAt(0).toString(16)
  if (how === 'once') return `%${code}`
  if (how === 'twice') return `%25${code}`
  return how === 'thrice' ? `%2525${code}` : letter
}

/** How a stranger is kept from `/admin/`, and how they would go there. */
interface Mode {
  readonly routes: (from: string, to: string) => readonly object[]
  /** Where the spellings begin. */
  readonly start: string
  /** Where honest paths begin, of which the open part is asked for. */
  readonly open: string
  /** Whether the path is another one to the server. */
  readonly rewrites?: boolean
}

const MODES: Readonly<Record<string, Mode>> = {
  'a deny rule': {
    open: '/x/',
    start: '',
    routes: (from, to) => [
      {
        from,
        to,
        policy: [
          { allow: { or: [{ accept: true }] } },
          { deny: { and: [{ http_path: { starts_with: '/admin/' } }, { groups: { exclude: 'staff' } }] } },
        ],
      },
    ],
  },
  'an allow rule': {
    open: '/public/',
    start: '/public',
    routes: (from, to) => [
      {
        from,
        to,
        policy: [
          { allow: { or: [{ http_path: { starts_with: '/public/' } }, { groups: { has: 'staff' } }] } },
        ],
      },
    ],
  },
  'a route': {
    open: '/x/',
    start: '',
    routes: (from, to) => [
      { from, to, prefix: '/admin/', ...STAFF_ONLY },
      { from, to, ...PUBLIC },
    ],
  },
  'a pattern': {
    rewrites: true,
    open: '/app',
    start: '/app',
    routes: (from, to) => [
      {
        from,
        to,
        prefix: '/app',
        regex_rewrite_pattern: '^/app(.*)$',
        regex_rewrite_substitution: String.raw`/public/\1`,
        ...PUBLIC,
      },
    ],
  },
  'a prefix': {
    rewrites: true,
    open: '/app/',
    start: '/app',
    routes: (from, to) => [{ from, to, prefix: '/app', prefix_rewrite: '/public/', ...PUBLIC }],
  },
  'a folder of the upstream': {
    rewrites: true,
    open: '/',
    start: '',
    routes: (from, to) => [{ from, to: `${to}/public`, ...PUBLIC }],
  },
}

const SETTINGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'as Envoy normalises by default': {},
  'as they come': {
    normalize_path: false,
    merge_slashes: false,
    path_with_escaped_slashes_action: 'keep_unchanged',
  },
}

interface Answer {
  readonly status: number
  readonly text: string
}

type Send = (path: string) => Promise<Answer>

/** A connection that fails is no refusal: it would make a closed path of any. */
async function answerTo(request: http.ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  request.on('error', reject)
  request.on('response', (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject)
  })
  request.end()
  return await promise
}

async function answersTo(paths: readonly string[], send: Send): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>()
  const queue = paths.values()
  const work = async () => {
    for (const path of queue) answers.set(path, await send(path))
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return answers
}

const pathsOf = (answers: ReadonlyMap<string, Answer>, is: (answer: Answer) => boolean): readonly string[] =>
  [...answers].filter(([, answer]) => is(answer)).map(([path]) => path)

const isAdmin = ({ text }: Answer): boolean => text === 'ADMIN'
/** What these servers say of all else. */
const isOpen = ({ status, text }: Answer): boolean => status === 200 && /^OPEN\b/.test(text)
const isRefused = ({ status, text }: Answer): boolean => status >= 400 && status < 500 && text !== 'ADMIN'

const hostOf = (server: number, mode: number): string => `s${server}m${mode}`

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })

const straightTo =
  (port: number): Send =>
  async (path) =>
    await answerTo(http.request({ host: '127.0.0.1', port, path, agent }))

describe('a closed path, however it is written', { skip: skip.skip ?? false }, async () => {
  if (skip.skip !== undefined) return
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  need(found.tomcat)
  const tomcat = stop.use(await startTomcat())
  const flask = stop.use(await startPythonServer('flask'))
  const django = stop.use(await startPythonServer('django'))
  const servers: readonly PathServer[] = [
    tomcat,
    flask,
    django,
    ...(await startNodeServers()).map((each) => stop.use(each)),
  ]

  const stacks = new Map<string, Stack>()
  for (const [name, settings] of Object.entries(SETTINGS)) {
    const routes = servers.flatMap(({ url: to }, server) =>
      Object.values(MODES).map((mode, index) => ({ mode, to, host: hostOf(server, index) })),
    )
    const stack = await startStack({
      settings,
      hosts: routes.map(({ host }) => host),
      routes: ({ url }) =>
        routes.flatMap(({ mode, to, host }) => [...mode.routes(url(host, ''), to)]) as never,
    })
    stacks.set(name, stop.use(stack))
  }

  const secure = new https.Agent({ keepAlive: true, maxSockets: 8 })
  after(() => {
    agent.destroy()
    secure.destroy()
  })
  const spellings = fc.sample(closed, { numRuns: SPELLINGS, seed: SEED })

  for (const [server, { name, port }] of servers.entries()) {
    describe(`to ${name}`, () => {
      const straight = straightTo(port)
      let opening: readonly string[] = []

      it('is opened by many of the spellings when nobody is before it', async () => {
        opening = pathsOf(await answersTo([...new Set(spellings)], straight), isAdmin)
        const plain = opening.filter((path) => !/[;%\\]|\/\/|\/\./.test(path))
        assert.ok(opening.length > plain.length, `${opening.length} of ${spellings.length}`)
      })

      for (const [setting, stack] of stacks) {
        for (const [index, [mode, { start, open, rewrites = false }]] of Object.entries(MODES).entries()) {
          it(`stays closed by ${mode}, with paths ${setting}`, async () => {
            const isOpening = new Set(opening)
            const others = spellings.filter((path) => !isOpening.has(path)).slice(0, MOST_OTHERS)
            const paths = [...opening.slice(0, MOST_OPENING), ...others].flatMap((path) => [
              `${start}${path}`,
              ...(start === '' ? [] : [rewrites ? `${start}..${path}` : `${start}/..${path}`]),
            ])
            const host = `${hostOf(server, index)}.localhost`
            const target = {
              host: '127.0.0.1',
              port: stack.edge.port,
              servername: host,
              ca: stack.ca.cert,
              agent: secure,
            }
            const headers = { host: `${host}:${stack.edge.port}`, accept: 'application/json' }
            const send: Send = async (path) => await answerTo(https.request({ ...target, path, headers }))
            const honest = await answersTo(
              HONEST.map((path) => open + path),
              send,
            )
            assert.deepEqual(
              [...honest].filter(([, answer]) => !isOpen(answer)),
              [],
            )

            const answers = await answersTo(paths, send)
            assert.deepEqual(pathsOf(answers, isAdmin), [])
            const refused = pathsOf(answers, isRefused)
            const summary = JSON.stringify(Object.fromEntries(answers))
            assert.equal(refused.length + pathsOf(answers, isOpen).length, answers.size, summary)
            assert.ok(refused.length > REFUSED_SHARE * answers.size, summary)
          })
        }
      }
    })
  }
})
