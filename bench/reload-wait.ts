/**
 * The longest wait of a check while a configuration with many routes is edited: good edits, a typo, a failing
 * test.
 *
 * In one process and without Envoy: what is measured is how long the event loop stands still, which every
 * check waits for, and how much of that is time on the processor: on a busy machine the first says more of
 * the others. Run it with `node bench/reload-wait.ts [routes] [lines of policy]`.
 *
 * @module
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { followConfig } from '../src/follow-config.ts'
import { createLogger } from '../src/telemetry/log.ts'
import { createMetrics } from '../src/telemetry/metrics.ts'
import { serveXds } from '../src/xds/service.ts'

const [count = 10_000, lines = 50] = process.argv.slice(2).map(Number)

/** Of all threads. */
const rssMb = (): number => Math.round(process.memoryUsage().rss / 1e6)

interface Edit {
  /** Of the first route. */
  readonly target?: string
  readonly key?: string
  /** Above the first route: all the others move down. */
  readonly added?: string
  readonly user?: string
}

function textWith({ target = 'http://127.0.0.1:9', key = 'to', added = '', user = 'user' }: Edit): string {
  const routes = Array.from({ length: count }, (_, index) => {
    const users = Array.from(
      { length: Math.max(0, lines - 4) },
      (__, n) => `\n            - http_path: { is: /${user}${n} }`,
    )
    const policy = `\n    policy:\n      - allow:\n          or:\n            - accept: true${users.join('')}`
    const isFirst = index === 0
    return `  - from: https://app${index}.example.com\n    ${isFirst ? key : 'to'}: ${isFirst ? target : 'http://127.0.0.1:9'}${policy}`
  })
  return ['insecure_server: true', 'routes:', added, ...routes, '']
    .filter((line, at) => line || at > 2)
    .join('\n')
}

const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
const file = join(folder, 'config.yaml')
await writeFile(file, textWith({}))
await using undo = new AsyncDisposableStack()
undo.defer(() => rm(folder, { recursive: true }))
const { logger } = createLogger({ level: 'error' })
const started = performance.now()
const config = undo.use(await followConfig(file, logger))
const xds = undo.use(
  await serveXds({
    socketPath: join(folder, 'xds.sock'),
    config,
    certificates: () => [],
    logger,
    meter: undo.use(createMetrics()).meter,
  }),
)
console.log({ readyMs: Math.round(performance.now() - started), rss: rssMb() })

const EDITS: Readonly<Record<string, Edit>> = {
  'nothing but one target': { target: 'http://127.0.0.1:10' },
  'a route above all others': { added: '  - { from: https://new.example.com, to: http://127.0.0.1:9 }' },
  'a key that does not exist': { key: 'tow' },
  'a policy that does not compile': {
    added: '  - { from: https://new.example.com, to: http://a, policy: [{ allow: { or: [{ nope: 1 }] } }] }',
  },
  'YAML that is none': { added: '  - { from: [' },
  'a test that fails': {
    added: '  - { from: https://new.example.com, to: http://a, tests: [{ who: anonymous, expect: allow }] }',
  },
  'every policy': { user: 'other' },
}
for (const [what, edit] of Object.entries(EDITS)) {
  const before = JSON.stringify([config.status.generation, config.status.lastProblem?.at])
  const next = join(folder, 'next')
  await writeFile(next, textWith(edit))
  await delay(1000)
  let longest = 0
  let longestTurn = 0
  let last = performance.now()
  let lastCpu = process.threadCpuUsage()
  let isOver = false
  const beat = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    const cpu = process.threadCpuUsage()
    longestTurn = Math.max(longestTurn, (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000)
    lastCpu = cpu
    // Not with `setImmediate`, which never lets the thread rest: the machine may have two cores.
    if (!isOver) setTimeout(beat, 1)
  }
  beat()
  await rename(next, file)
  const saved = performance.now()
  const isDone = () =>
    JSON.stringify([config.status.generation, config.status.lastProblem?.at]) !== before &&
    xds.status().generation === config.status.generation
  while (!isDone() && performance.now() - saved < 300_000) await delay(5)
  const took = performance.now() - saved
  await delay(200)
  isOver = true
  console.log(what, {
    tookMs: Math.round(took),
    longestWaitMs: Math.round(longest),
    longestTurnCpuMs: Math.round(longestTurn),
    state: config.status.state,
    rss: rssMb(),
  })
}
console.log({ rss: rssMb() })
