/**
 * What an authorized request costs, as ratios to two floors within one run, and how soon a saved edit is
 * obeyed.
 *
 *     npm run bench [-- --rounds 5 --seconds 2 --connections 32 --routes 1000 --edits 10 --json FILE]
 *
 * Absolute figures depend on the machine and on what else it does; the targets take turns in short rounds, so
 * that the ratios hardly do. Cost is CPU seconds per 1,000 requests of Envoy and the authorizing process.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { findEnvoy } from '../envoy/find.ts'
import { wrk as findWrk } from '../test/harness/parts.ts'
import { tempDir } from '../test/harness/ports.ts'
import { STAFF_ONLY, startStack } from '../test/harness/stack.ts'
import { median } from './cpu.ts'
import { startFloor, startPlainUpstream } from './floors.ts'
import { type Measurement, measure, type Target } from './load.ts'
import { measureSaveToEffect } from './save-to-effect.ts'

const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '32' },
    routes: { type: 'string', default: '1000' },
    edits: { type: 'string', default: '10' },
    json: { type: 'string' },
  },
})
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** `--concurrency` of a running Envoy; without one it has a worker per core. */
function concurrencyOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  const at = words.indexOf('--concurrency')
  return (at < 0 ? undefined : words[at + 1]) ?? String(navigator.hardwareConcurrency)
}

const at = (port: number): string => `https://app.localhost:${port}/projects/7/issues`

async function measureRequests(): Promise<ReadonlyMap<string, readonly Measurement[]>> {
  await using stop = new AsyncDisposableStack()
  const wrk = await findWrk()
  const { path: envoyPath } = await findEnvoy({ env: process.env })
  const { path: folder } = stop.use(await tempDir('bench'))
  const plain = { stop, folder, envoyPath, concurrency: '1' }
  const upstream = await startPlainUpstream(plain)
  const stack = stop.use(
    await startStack({
      routes: ({ url }) => [{ from: url('app', ''), to: `http://127.0.0.1:${upstream.port}`, ...STAFF_ONLY }],
    }),
  )
  const agent = stack.agent()
  await stack.signIn(agent, stack.url('app'))
  const cookie = agent.jar.header(new URL(stack.url('app'))) ?? ''
  const [envoy] = stack.sallyport.descendants()
  if (envoy === undefined) throw new Error('Sallyport runs no Envoy')

  const options = { ...plain, concurrency: concurrencyOf(envoy) }
  const floor = { certificate: stack.certificate, upstreamPort: upstream.port }
  const bare = await startFloor('bare', { ...floor, checks: false }, options)
  const allowAll = await startFloor('allow-all', { ...floor, checks: true }, options)

  const common = { headers: { cookie }, ca: stack.ca.cert }
  const targets: Target[] = [
    { ...common, name: 'bare Envoy', url: at(bare.port), processes: { envoy: bare.envoy.pid } },
    {
      ...common,
      name: 'Envoy + allow-all on grpc-js',
      url: at(allowAll.port),
      processes: { envoy: allowAll.envoy.pid, authorizer: allowAll.authorizer?.pid ?? 0 },
    },
    {
      ...common,
      name: 'Sallyport',
      url: at(stack.edge.port),
      processes: { envoy, authorizer: stack.sallyport.process.pid },
    },
  ]
  const connections = Number(given.connections)
  for (const target of targets) await measure(target, { wrk, seconds: 2, connections })
  const results = new Map<string, Measurement[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < Number(given.rounds); round += 1) {
    // each round begins with another target, so that none always follows the same one
    const turn = [...targets.slice(round % targets.length), ...targets.slice(0, round % targets.length)]
    for (const target of turn) {
      results
        .get(target.name)
        ?.push(await measure(target, { wrk, seconds: Number(given.seconds), connections }))
    }
  }
  return results
}

const costOf = ({ envoyCpu, authorizerCpu }: Measurement): number => envoyCpu + authorizerCpu

/** Median over rounds of a figure of `name` divided by that of `base` in the same round. */
function ratio(
  results: ReadonlyMap<string, readonly Measurement[]>,
  name: string,
  base: string,
  figure: (measurement: Measurement) => number,
): number {
  const bases = results.get(base) ?? []
  return median((results.get(name) ?? []).map((each, round) => figure(each) / figure(bases[round] ?? each)))
}

say(`${given.rounds} rounds of ${given.seconds} s, ${given.connections} connections, HTTP/1.1 over TLS\n`)
const results = await measureRequests()
const [bare = '', allowAll = '', ours = ''] = results.keys()
say(
  '                              req/s   x bare  CPU-s/1k   x bare  authorizer us   p50 ms   p99 ms   RSS MB',
)
for (const [name, rounds] of results) {
  const of = (figure: (measurement: Measurement) => number): number => median(rounds.map(figure))
  const cells = [
    name.padEnd(28),
    of(({ requestsPerSecond }) => requestsPerSecond)
      .toFixed(0)
      .padStart(7),
    ratio(results, name, bare, ({ requestsPerSecond }) => requestsPerSecond)
      .toFixed(2)
      .padStart(8),
    of(costOf).toFixed(3).padStart(9),
    ratio(results, name, bare, costOf).toFixed(2).padStart(8),
    (of(({ authorizerCpu }) => authorizerCpu) * 1000).toFixed(0).padStart(14),
    of(({ p50Ms }) => p50Ms)
      .toFixed(1)
      .padStart(8),
    of(({ p99Ms }) => p99Ms)
      .toFixed(1)
      .padStart(8),
    of(({ authorizerMb }) => authorizerMb)
      .toFixed(0)
      .padStart(8),
  ]
  say(cells.join(' '))
}
const checkRatio = ratio(results, ours, allowAll, ({ authorizerCpu }) => authorizerCpu)
const totalRatio = ratio(results, ours, allowAll, costOf)
say(`\nCPU of Sallyport per authorized request / allow-all floor: ${checkRatio.toFixed(2)} (aim: at most 1)`)
say(`CPU of Envoy and Sallyport / Envoy and allow-all floor:    ${totalRatio.toFixed(2)}`)

const effect = await measureSaveToEffect(Number(given.routes), Number(given.edits))
const spread = (values: readonly number[]): string =>
  `median ${median(values).toFixed(0)} ms, worst ${Math.max(...values).toFixed(0)} ms`
say(
  `\n${effect.routes} routes, ${given.edits} edits each, from saving to the first request that obeys (aim: under 300 ms)`,
)
const edited = (what: string, times: readonly number[], cpu: readonly number[]): void =>
  say(`  ${what.padEnd(40)} ${spread(times)}; CPU median ${median(cpu).toFixed(0)} ms`)
for (const { form, policyEdits, policyEditCpu, routeEdits, routeEditCpu } of effect.forms) {
  edited(`a policy changed, ${form}:`, policyEdits, policyEditCpu)
  edited(`a route changed, ${form}:`, routeEdits, routeEditCpu)
}
say(`  cold start to ready: ${effect.coldStartMs.toFixed(0)} ms`)

if (given.json !== undefined) {
  const document = { requests: Object.fromEntries(results), effect, checkRatio, totalRatio }
  await writeFile(given.json, `${JSON.stringify(document, undefined, 1)}\n`)
}
