/**
 * `sallyport healthcheck` and `wait-ready`: ask the health listener. Unless one is named they read no
 * configuration, so that they cost little each time, and work where only this program is installed.
 *
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Fault, reasonOf, systemCodeOf } from '../errors.ts'

/** As `health_check_addr` has it. */
export const DEFAULT_ADDRESS = '127.0.0.1:28080'
const PATHS = { alive: '/healthz', ready: '/readyz' } as const
const ANSWER_WITHIN_MS = 3_000
const PAUSE_MS = 200
const LONGEST_WAIT_SECONDS = 3_600

export interface HealthQuestion {
  readonly address: string | undefined
  readonly what: keyof typeof PATHS
  /** Seconds, as they were typed. */
  readonly wait: string
  /** Of the process that would answer, as it was typed. */
  readonly pid?: string | undefined
}

/**
 * @returns the exit code
 * @throws {Fault} `USAGE` for an address or a time that is none
 */
export async function healthcheck(
  { address = DEFAULT_ADDRESS, what, wait, pid }: HealthQuestion,
  out: { write(text: string): unknown },
): Promise<number> {
  const url = urlOf(address, PATHS[what])
  const seconds = Number(wait)
  if (!/^\d+(?:\.\d+)?$/.test(wait) || seconds > LONGEST_WAIT_SECONDS)
    throw new Fault('USAGE', `--wait is a number of seconds up to ${LONGEST_WAIT_SECONDS}, not "${wait}"`)
  if (pid !== undefined && !/^[1-9]\d{0,9}$/.test(pid))
    throw new Fault('USAGE', `--process is the number of a process, not "${pid}"`)
  const until = performance.now() + seconds * 1000
  for (;;) {
    const why = await ask(url)
    if (why === undefined) return 0
    if (performance.now() + PAUSE_MS > until || (pid !== undefined && !runs(Number(pid)))) {
      out.write(`${url.href} ${why}\n`)
      return 1
    }
    await pause(PAUSE_MS)
  }
}

/**
 * Where a configuration has the health listener; one on all addresses is asked on this machine. The default
 * for a configuration that can't be used: whoever starts with it says what is wrong.
 */
export async function addressIn(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  if (file === undefined) return undefined
  const { openConfig } = await import('./open-config.ts')
  let host: string, port: number
  try {
    ;({ host, port } = openConfig(file, env, { withoutSecrets: true }).config.settings.health_check_addr)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
  const asked = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `${asked.includes(':') ? `[${asked}]` : asked}:${port}`
}

function urlOf(address: string, path: string): URL {
  // As in the configuration, a port alone is one of this machine.
  const whole = address.startsWith(':') ? `127.0.0.1${address}` : address
  const url = /^[^/?#@\s]+:\d+$/.test(whole) ? URL.parse(path, `http://${whole}`) : null
  if (url === null) throw new Fault('USAGE', `"${address}" is not an address such as ${DEFAULT_ADDRESS}`)
  return url
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // One of another user runs, too.
    return systemCodeOf(error) === 'EPERM'
  }
}

/** What is wrong, in words; nothing when all is well. */
async function ask(url: URL): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    const text = await answer.text()
    return answer.ok ? undefined : `answered ${answer.status}: ${text.trim().slice(0, 500)}`
  } catch (error) {
    return `does not answer: ${reasonOf(error instanceof Error && error.cause !== undefined ? error.cause : error)}`
  }
}
