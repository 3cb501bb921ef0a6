/**
 * A Debian that is booted with its own systemd, in a network of its own, from a copy of a folder.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness/ports.ts'
import { run, runToEnd, startProcess } from '../harness/process.ts'
import { until } from '../harness/until.ts'

export interface Said {
  readonly code: number | null
  /** Standard output, then standard error. */
  readonly text: string
}

export interface Machine extends AsyncDisposable {
  /** Its file system, as this machine sees it. */
  readonly root: string
  /** Process id of its init, for `nsenter`. */
  readonly leader: number
  /** A line of shell, run as root inside. */
  sh(script: string, withinMs?: number): Promise<Said>
}

/** @param debian folder with a Debian that has systemd; it is left as it is */
export async function bootMachine(debian: string): Promise<Machine> {
  await using starting = new AsyncDisposableStack()
  const folder = starting.use(await tempDir('machine'))
  const root = join(folder.path, 'root')
  await run({ command: 'cp', args: ['-a', '--reflink=auto', debian, root], withinMs: 120_000 })
  const booted = startProcess({
    command: 'systemd-nspawn',
    args: ['-q', '-b', '-D', root, '--private-network', '--register=no', '--keep-unit', '--console=passive'],
  })
  starting.defer(async () => {
    // Told so, nspawn ends all that runs inside, and takes its mounts away.
    await booted.stop(20_000)
  })
  // While it sets up, nspawn has another child, which goes away.
  const leader = (): number => {
    const children = readFileSync(`/proc/${booted.pid}/task/${booted.pid}/children`, 'utf8')
    return Number(children.trim().split(' ')[0])
  }
  const sh = async (script: string, withinMs = 120_000): Promise<Said> => {
    const inside = [
      '-t',
      String(leader()),
      '-m',
      '-u',
      '-i',
      '-n',
      '-p',
      '-C',
      '-r',
      '-w',
      'sh',
      '-c',
      script,
    ]
    const { code, stdout, stderr } = await runToEnd({ command: 'nsenter', args: inside, withinMs })
    return { code, text: `${stdout}${stderr}` }
  }
  await until(async () => /^(?:running|degraded)/.test((await sh('systemctl is-system-running')).text), {
    what: 'the machine to be booted',
    withinMs: 60_000,
  })
  const stop = starting.move()
  return { root, leader: leader(), sh, [Symbol.asyncDispose]: async () => await stop.disposeAsync() }
}
