/**
 * Child processes of the tests: started with their output read line by line, and always ended: by disposal,
 * at the end of the test process, or on Ctrl-C.
 *
 * Each child leads a process group, so that what it starts (an Envoy, a JVM) can't outlive it here even when
 * it is killed the hard way.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { until } from './until.ts'

export interface StartOptions {
  readonly command: string
  readonly args?: readonly string[]
  readonly cwd?: string
  /** Added to the environment of the test process; `undefined` removes. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The name that failures use. */
  readonly name?: string
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface RunningProcess extends AsyncDisposable {
  readonly pid: number
  /** stdout and stderr, line by line, in the order of arrival. */
  readonly lines: readonly string[]
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly exited: Promise<Exit>
  readonly exit: Exit | undefined
  /** The first line, past or future, that matches. Fails at once when the process ends before it. */
  waitForLine(pattern: RegExp, withinMs?: number): Promise<RegExpMatchArray>
  /** To the process alone; with `group` to all that it started too, as a terminal's Ctrl-C does. */
  signal(signal: NodeJS.Signals, to?: 'process' | 'group'): void
  /** SIGTERM, then SIGKILL to the whole group after `patienceMs`. */
  stop(patienceMs?: number): Promise<Exit>
}

const groups = new Set<number>()

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // gone already
  }
}

function endAll(): void {
  for (const pid of groups) signalGroup(pid, 'SIGKILL')
  groups.clear()
}
process.on('exit', endAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    endAll()
    process.kill(process.pid, signal)
  })
}

export function startProcess(options: StartOptions): RunningProcess {
  const name = options.name ?? options.command
  const env = Object.fromEntries(
    Object.entries({ ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  const child: ChildProcess = spawn(options.command, options.args ?? [], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid !== undefined) groups.add(pid)

  const lines: string[] = []
  const stdout: string[] = []
  const stderr: string[] = []
  const read = (stream: NodeJS.ReadableStream | null, into: string[]): void => {
    if (stream === null) return
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      into.push(line)
    })
  }
  read(child.stdout, stdout)
  read(child.stderr, stderr)

  let exit: Exit | undefined
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      lines.push(`${name}: ${error.message}`)
      exit ??= { code: null, signal: null }
      resolve(exit)
    })
    // 'close' comes after the last line was read, unless an orphan holds the pipe: then 'exit' has to do
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      exit ??= { code, signal }
      resolve(exit)
    }
    child.once('close', end)
    child.once('exit', (code, signal) => setTimeout(end, 500, code, signal).unref())
  })

  const tail = (): string => lines.slice(-40).join('\n')

  return {
    pid: pid ?? -1,
    lines,
    stdout,
    stderr,
    exited,
    get exit() {
      return exit
    },
    async waitForLine(pattern, withinMs = 15_000) {
      let from = 0
      let over = false
      const found = await until(
        () => {
          over = exit !== undefined
          for (; from < lines.length; from += 1) {
            const match = lines[from]?.match(pattern)
            if (match) return match
          }
          return over ? 'over' : undefined
        },
        { what: `${name} to print ${pattern}`, withinMs },
      ).catch((error: unknown) => {
        throw new Error(`${error instanceof Error ? error.message : ''}; it said:\n${tail()}`, {
          cause: error,
        })
      })
      if (found === 'over') {
        throw new Error(
          `${name} ended (${JSON.stringify(exit)}) and never printed ${pattern}; it said:\n${tail()}`,
        )
      }
      return found
    },
    signal(signal, to = 'process') {
      if (pid === undefined || exit !== undefined) return
      if (to === 'group') signalGroup(pid, signal)
      else process.kill(pid, signal)
    },
    async stop(patienceMs = 8_000) {
      if (pid === undefined) return await exited
      if (exit === undefined) {
        process.kill(pid, 'SIGTERM')
        const timer = setTimeout(signalGroup, patienceMs, pid, 'SIGKILL')
        await exited
        clearTimeout(timer)
      }
      signalGroup(pid, 'SIGKILL')
      groups.delete(pid)
      return await exited
    },
    async [Symbol.asyncDispose]() {
      await this.stop()
    },
  }
}

/** Runs to the end; throws with the output when it did not end with 0. */
export async function run(options: StartOptions & { readonly withinMs?: number }): Promise<string> {
  const child = startProcess(options)
  const timer = setTimeout(() => void child.stop(0), options.withinMs ?? 60_000)
  const { code } = await child.exited
  clearTimeout(timer)
  await child.stop(0)
  if (code !== 0) {
    const words = [options.command, ...(options.args ?? [])].join(' ')
    throw new Error(`\`${words}\` ended with ${code}:\n${child.lines.slice(-40).join('\n')}`)
  }
  return child.stdout.join('\n')
}

/** Like `run`, for commands whose failure is the point. */
export async function runToEnd(
  options: StartOptions & { readonly withinMs?: number },
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const child = startProcess(options)
  const timer = setTimeout(() => void child.stop(0), options.withinMs ?? 60_000)
  const exit = await child.exited
  clearTimeout(timer)
  await child.stop(0)
  return { ...exit, stdout: child.stdout.join('\n'), stderr: child.stderr.join('\n') }
}
