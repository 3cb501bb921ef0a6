/**
 * A compose folder on an engine of the tests: what both set-ups are asked, in the same words.
 *
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type Engine, startEngine } from '../harness/docker-engine.ts'
import { findPart, need } from '../harness/parts.ts'
import { until } from '../harness/until.ts'
import type { UserAgent } from '../harness/user-agent.ts'
import { DATA } from './images.ts'

/** `restart: unless-stopped` waits longer after each end. */
const HEALED_WITHIN_MS = 60_000

/** An engine with the images of `run.ts`, and no container of a run that was cut short. */
export async function startTestEngine(): Promise<Engine> {
  const engine = await startEngineAgain()
  const left = (await engine.docker(['ps', '--all', '--quiet'])).split('\n').filter((id) => id !== '')
  if (left.length > 0) await engine.docker(['rm', '--force', ...left])
  await engine.docker(['volume', 'prune', '--force'])
  return engine
}

/** As after a reboot: with the containers that there are. */
export async function startEngineAgain(): Promise<Engine> {
  const [engine, compose] = await Promise.all(
    (['docker-engine', 'compose'] as const).map(async (part) => need(await findPart(part))),
  )
  return await startEngine({ engine: engine ?? '', compose: compose ?? '', data: DATA, hasBridge: true })
}

/** Starts what a folder describes, until the named containers are healthy: on a busy machine, too. */
export async function up(engine: Engine, folder: string, containers: readonly string[]): Promise<void> {
  await engine.compose(folder, ['up', '--detach', '--no-build'])
  await untilHealthy(engine, containers)
}

export async function untilHealthy(engine: Engine, containers: readonly string[]): Promise<void> {
  for (const container of containers)
    await until(async () => (await engine.inspect(container)).State.Health?.Status === 'healthy', {
      what: `${container} to be healthy`,
      withinMs: 120_000,
      everyMs: 500,
    }).catch(async (error: unknown) => {
      throw new Error(await engine.docker(['logs', '--tail', '20', container]), { cause: error })
    })
}

/** As the kernel ends what takes too much memory: not as `docker kill`, which the engine takes for a wish. */
export async function crash(engine: Engine, container: string): Promise<void> {
  const { State, RestartCount } = await engine.inspect(container)
  process.kill(State.Pid, 'SIGKILL')
  await until(
    async () => {
      const now = await engine.inspect(container)
      return now.RestartCount > RestartCount && now.State.Running && now.State.Health?.Status === 'healthy'
    },
    { what: `${container} to be started again`, withinMs: HEALED_WITHIN_MS, everyMs: 200 },
  )
}

/** Until a page answers so: each try is a whole visit. */
export async function untilStatus(user: UserAgent, url: string, status: number, what: string): Promise<void> {
  await until(async () => (await user.visit(url).catch(() => undefined))?.status === status, {
    what,
    withinMs: HEALED_WITHIN_MS,
    everyMs: 200,
  })
}

/** As an editor saves: a new file takes the place of the old one. */
export function edit(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, 'utf8')
  const edited = change(text)
  if (edited === text) throw new Error(`${file} has nothing of what was to be changed`)
  writeFileSync(`${file}.new`, edited)
  renameSync(`${file}.new`, file)
}
