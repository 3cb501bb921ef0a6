import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, describe, it } from 'node:test'
import { passedSockets } from './passed-sockets.ts'

const home = mkdtempSync(join(tmpdir(), 'sallyport-passed-'))
const stop = new AsyncDisposableStack()
after(async () => {
  await stop.disposeAsync()
  rmSync(home, { recursive: true })
})

const SERVICE = join(import.meta.dirname, 'passed-sockets.fixture.ts')
/** The id of a process is known to itself alone before it begins. */
const START = 'LISTEN_PID=$$ exec "$@"'
/** Twice in turn, while the outer shell keeps the sockets open: a restart. */
const RESTART = `sh -c '${START}' sh "$@"; sh -c '${START}' sh "$@"`
const SYSTEMD = { skip: process.platform !== 'linux' && 'sockets are passed on Linux' }

async function listen(path: string, mode = 0o660): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(path, resolve)
  })
  chmodSync(path, mode)
  return server
}

function descriptorOf(server: Server): number {
  // Node tells nobody the descriptor of a server.
  const handle: unknown = Reflect.get(server, '_handle')
  assert.ok(typeof handle === 'object' && handle !== null)
  return Number(Reflect.get(handle, 'fd'))
}

interface Passed {
  readonly servers: readonly Server[]
  readonly names?: string
  readonly count?: number | string
  readonly shell?: string
}

function startService({ servers, names, count = servers.length, shell = START }: Passed) {
  const child = spawn('sh', ['-c', shell, 'sh', process.execPath, SERVICE], {
    env: { ...process.env, LISTEN_FDS: String(count), LISTEN_FDNAMES: names, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'inherit', ...servers.map(descriptorOf)],
    detached: true,
  })
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  const end = async (): Promise<void> => {
    try {
      process.kill(-(child.pid ?? Number.NaN), 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
    await ended
  }
  stop.defer(end)
  const { stdout } = child
  assert.ok(stdout)
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  return { ended, end, line: async (): Promise<string> => String((await lines.next()).value) }
}

const answerOf = (socketPath: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath, agent: false }, (response) => {
      response.setEncoding('utf8').once('data', resolve)
    })
      .once('error', reject)
      .end()
  })

const pidIn = (text: string): number => Number(/\d+$/.exec(text)?.[0])

/** What a service says that gets such sockets. */
async function wrong(
  passed: Omit<Passed, 'servers'>,
  modes: readonly number[] = [0o660, 0o660],
): Promise<string> {
  await using made = new AsyncDisposableStack()
  const servers: Server[] = []
  for (const [at, mode] of modes.entries()) {
    const path = join(home, `wrong-${at}.sock`)
    servers.push(made.adopt(await listen(path, mode), (server) => void server.close()))
  }
  const service = startService({ servers, ...passed })
  const told = await service.line()
  await service.end()
  return told
}

describe('sockets that a service manager passes', SYSTEMD, () => {
  it('are told apart by their names, and serve on through a restart', async () => {
    const places = ['authz', 'http'].map((name) => join(home, `${name}.sock`))
    const servers: Server[] = []
    for (const path of places) servers.push(await listen(`${path}.made`))
    const service = startService({ servers: servers.toReversed(), names: 'http:authz', shell: RESTART })
    const first = pidIn(await service.line())
    // Closing here takes a name away, but not this one; and accepts no more.
    for (const path of places) renameSync(`${path}.made`, path)
    for (const server of servers) server.close()
    for (const [at, name] of ['authz', 'http'].entries())
      assert.equal(await answerOf(places[at] ?? ''), `${name} ${first}`)

    process.kill(first, 'SIGTERM')
    // A connection that it has just taken would end with it.
    for (const _ of places) assert.equal(await service.line(), 'ended')
    const meanwhile = Promise.all(places.map(answerOf))
    const second = pidIn(await service.line())
    assert.notEqual(second, first)
    assert.deepEqual((await meanwhile).map(pidIn), [second, second])
    process.kill(second, 'SIGTERM')
    await service.ended
    for (const path of places) assert.ok(existsSync(path), 'the socket belongs to the service manager')
  })

  it('are refused without names, with other names, and twice under one name', async () => {
    assert.match(await wrong({}), /2 came with 0 names: .*FileDescriptorName=, of "authz", "http"/)
    assert.match(await wrong({ names: 'authz' }), /2 came with 1 names/)
    assert.match(
      await wrong({ names: 'authz:sallyport-http.socket' }),
      /"sallyport-http.socket" is not wanted/,
    )
    assert.match(await wrong({ names: 'http:http' }), /"http" is not wanted, or came twice/)
  })

  it('are refused when one is missing, or their number is none', async () => {
    assert.match(await wrong({ names: 'http' }, [0o660]), /"authz" is missing: start the \.socket units/)
    for (const count of ['-1', 'two', '1e9'])
      assert.match(await wrong({ names: 'authz:http', count }), /LISTEN_FDS is ".*", which is no number/)
  })

  it('are refused when a descriptor is no socket, or is not open', async () => {
    const noSocket = `exec 4</dev/null; ${START}`
    assert.match(await wrong({ names: 'authz:http', shell: noSocket }), /"http" \(descriptor 4\) is no Unix/)
    const closed = `exec 3<&-; ${START}`
    assert.match(await wrong({ names: 'authz:http', shell: closed }), /"authz" \(descriptor 3\) is no Unix/)
  })

  it('are refused when everybody may connect', async () => {
    const told = await wrong({ names: 'authz:http' }, [0o660, 0o666])
    assert.match(told, /everybody may connect to .*wrong-1\.sock: set SocketMode=0660 .* "http"/)
  })

  it('are none of ours when they were passed to another process', () => {
    const env = { LISTEN_PID: '1', LISTEN_FDS: '2', LISTEN_FDNAMES: 'authz:http' }
    assert.equal(passedSockets(['authz', 'http'], env, 2), undefined)
    assert.equal(passedSockets(['authz', 'http'], {}, 2), undefined)
    assert.equal(passedSockets(['authz', 'http'], { ...env, LISTEN_FDS: '0' }, 1), undefined)
  })
})
