/**
 * One target under load: requests per second, latency, and CPU seconds per 1,000 requests by process.
 *
 * The load is `wrk`: closed loop, keep-alive, headers as a browser sends them.
 *
 * @module
 */
import { request } from '../test/harness/http-client.ts'
import { run } from '../test/harness/process.ts'
import { cpuSeconds, residentMb } from './cpu.ts'

export interface Target {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly ca: string
  /** What counts as cost, by role. The load generator and the upstream don't. */
  readonly processes: { readonly envoy: number; readonly authorizer?: number }
}

export interface Measurement {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU seconds per 1,000 requests, which is milliseconds per request. */
  readonly envoyCpu: number
  readonly authorizerCpu: number
  readonly authorizerMb: number
}

const BROWSER = {
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.9,de;q=0.8',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'same-origin',
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }
const milliseconds = (text: string | undefined): number => {
  const [, amount = '0', unit = 'ms'] = text?.match(/([\d.]+)(us|ms|s|m)/) ?? []
  return Number(amount) * (UNITS[unit] ?? 1)
}

/** A line of its own: the column "+/- Stdev" of wrk's table holds percentages too. */
function percentile(output: string, percent: number): number {
  const value = output.match(new RegExp(String.raw`^\s+${percent}%\s+([\d.]+(?:us|ms|s|m))\s*$`, 'm'))?.[1]
  if (value === undefined) throw new Error(`wrk names no ${percent} %:\n${output}`)
  return milliseconds(value)
}

/**
 * wrk counts a redirect to the login as success, so one plain request before and after tells what it
 * measured.
 */
async function assertServes({ name, url, headers, ca }: Target): Promise<void> {
  const { status } = await request({ url, headers: { ...BROWSER, ...headers }, ca })
  if (status !== 200) throw new Error(`${name} answers ${status}, not 200`)
}

export async function measure(
  target: Target,
  {
    wrk,
    seconds,
    connections,
  }: { readonly wrk: string; readonly seconds: number; readonly connections: number },
): Promise<Measurement> {
  await assertServes(target)
  const { envoy, authorizer } = target.processes
  const url = new URL(target.url)
  // in this case, or wrk adds one of its own
  const headers = { ...BROWSER, ...target.headers, Host: url.host }
  // wrk asks the system's resolver, which need not know *.localhost
  const loopback = `${url.protocol}//127.0.0.1:${url.port}${url.pathname}`
  const before = [cpuSeconds(envoy), authorizer === undefined ? 0 : cpuSeconds(authorizer)]
  const output = await run({
    command: wrk,
    args: [
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      '--latency',
      ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      loopback,
    ],
    withinMs: (seconds + 30) * 1000,
  })
  const after = [cpuSeconds(envoy), authorizer === undefined ? 0 : cpuSeconds(authorizer)]
  await assertServes(target)
  const [, count, time] = output.match(/(\d+) requests in ([\d.]+\w+)/) ?? []
  if (count === undefined) throw new Error(`wrk said:\n${output}`)
  const bad = output.match(/Non-2xx or 3xx responses: (\d+)/)?.[1] ?? '0'
  if (Number(bad) > Number(count) / 1000)
    throw new Error(`${target.name}: ${bad} of ${count} answers were errors`)
  const per1000 = (index: 0 | 1): number =>
    (((after[index] ?? 0) - (before[index] ?? 0)) / Number(count)) * 1000
  return {
    requestsPerSecond: Number(count) / (milliseconds(time) / 1000),
    p50Ms: percentile(output, 50),
    p99Ms: percentile(output, 99),
    envoyCpu: per1000(0),
    authorizerCpu: per1000(1),
    authorizerMb: authorizer === undefined ? 0 : residentMb(authorizer),
  }
}
