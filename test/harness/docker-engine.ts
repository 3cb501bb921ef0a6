/**
 * A Docker engine of one's own: its socket, its images and its containers are nobody else's.
 *
 * It runs as root, in namespaces that `test/docker/run.ts` has made. When those go, all of it goes.
 *
 * @module
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from './ports.ts'
import { type Exit, run, runToEnd, startProcess } from './process.ts'
import { until } from './until.ts'

export interface ContainerState {
  readonly Pid: number
  readonly Running: boolean
  readonly ExitCode: number
  readonly OOMKilled: boolean
  readonly Health?: { readonly Status: string }
}

export interface Container {
  readonly Id: string
  readonly RestartCount: number
  readonly State: ContainerState
  readonly Config: { readonly User: string; readonly Labels: Readonly<Record<string, string>> }
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean
    readonly CapDrop: readonly string[] | null
    readonly SecurityOpt: readonly string[] | null
  }
}

type Ran = Exit & { readonly stdout: string; readonly stderr: string }

export interface Engine extends AsyncDisposable {
  /** @throws with its output when it fails */
  docker(args: readonly string[], withinMs?: number): Promise<string>
  /** For what may fail. */
  dockerToEnd(args: readonly string[]): Promise<Ran>
  /** `docker compose`, with the file of a folder. @throws with its output when it fails */
  compose(folder: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>
  inspect(container: string): Promise<Container>
}

export interface EngineOptions {
  /** From `parts.ts`. */
  readonly engine: string
  /** From `parts.ts`, as words. */
  readonly compose: string
  /** Where images are kept from one run to the next. */
  readonly data: string
  /** Without, containers have the network of this process or none: enough to build images. */
  readonly hasBridge: boolean
}

export async function startEngine({ engine, compose, data, hasBridge }: EngineOptions): Promise<Engine> {
  await using starting = new AsyncDisposableStack()
  const { path: folder } = starting.use(await tempDir('docker'))
  mkdirSync(data, { recursive: true })
  const socket = `unix://${join(folder, 'docker.sock')}`
  const libraries = ['usr/lib', 'lib'].map((name) => join(engine, name, `${multiarch()}-linux-gnu`))
  const env = {
    PATH: `${['bin', 'usr/bin', 'usr/sbin'].map((name) => join(engine, name)).join(':')}:${process.env['PATH']}`,
    LD_LIBRARY_PATH: libraries.join(':'),
    XTABLES_LIBDIR: join(libraries[0] ?? '', 'xtables'),
    DOCKER_HOST: socket,
    DOCKER_CONFIG: folder,
    DOCKER_BUILDKIT: '0',
  }
  const args = ['--data-root', data, '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')]
  const bridge = hasBridge
    ? ['--userland-proxy-path', join(engine, 'usr', 'sbin', 'docker-proxy')]
    : ['--bridge=none', '--iptables=false', '--ip6tables=false']
  const daemon = startProcess({ command: 'dockerd', args: [...args, '--host', socket, ...bridge], env })
  starting.defer(async () => {
    await daemon.stop(30_000)
    // The engine leaves it mounted when containers had the network of this process.
    await runToEnd({ command: 'umount', args: [join(folder, 'exec', 'netns', 'default')] })
  })
  const docker = async (words: readonly string[], withinMs = 120_000): Promise<string> =>
    await run({ command: 'docker', args: words, env, withinMs })
  await until(
    async () => {
      if (daemon.exit !== undefined) throw new Error(`dockerd ended:\n${daemon.lines.slice(-20).join('\n')}`)
      return (await runToEnd({ command: 'docker', args: ['version'], env })).code === 0
    },
    { what: 'the Docker engine to answer', withinMs: 60_000, everyMs: 200 },
  )
  const running = starting.move()
  const [composeCommand = '', ...composeWords] = compose.split(' ')
  return {
    docker,
    dockerToEnd: async (words) => await runToEnd({ command: 'docker', args: words, env, withinMs: 120_000 }),
    compose: async (directory, words, more = {}) =>
      await run({
        command: composeCommand,
        args: [...composeWords, '--project-directory', directory, ...words],
        cwd: directory,
        env: { ...env, ...more },
        withinMs: 180_000,
      }),
    async inspect(container) {
      const [found]: Container[] = JSON.parse(await docker(['inspect', container]))
      if (found === undefined) throw new Error(`there is no container ${container}`)
      return found
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function multiarch(): string {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64'
}
