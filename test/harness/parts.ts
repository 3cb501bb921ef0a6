/**
 * The real parts that the tests run against and that npm does not bring: where each is found, or how it is
 * installed.
 *
 * A part comes from the environment, from PATH, from `.cache/` of the checkout, or is installed there through
 * its registry's own client. Debian packages are installed only where the test runs as root. What can't be
 * had is named in one line with what to do; its tests are skipped for a person and fail in CI. Two parts take
 * minutes of two cores to build: they are built only by `npm run test:slow`, and kept.
 *
 * Envoy is not among them: the product finds its own.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, rm, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import {
  CACHE,
  cached,
  debianCommand,
  findOnPath,
  installPackages,
  LeftForSlowRun,
  MissingPart,
  npmPackages,
  python,
  venvWith,
} from './install.ts'
import { run, runToEnd } from './process.ts'

const KEYCLOAK = { artifact: 'org.keycloak:keycloak-quarkus-dist', version: '26.3.0' }
const MAVEN_COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
const JUPYTERLAB = '4.4.9'
const SCIM = ['scim2-client[httpx2]==0.13.2', 'scim2-tester==0.5.2'] as const
const COMPOSE = 'v2.40.3'
const OAUTH2_PROXY = 'v7.15.6'
const TOMCAT = '10.1.44'
const TOMCAT_PARTS = [
  'org.apache.tomcat.embed:tomcat-embed-core',
  'org.apache.tomcat:tomcat-annotations-api',
] as const
const WSGIDAV = ['wsgidav==4.4.0', 'cheroot==11.1.2'] as const
const STREAMLIT = ['streamlit==1.51.0'] as const
/** `overrides`: one of its own dependencies asks for a tag of node-fetch that not every registry has. */
const VERDACCIO = { dependencies: { verdaccio: '6.10.4' }, overrides: { 'node-fetch': '2.7.0' } } as const
const NODE_RED = { dependencies: { 'node-red': '5.0.7' } } as const
const PYTHON_WEB = ['flask==3.1.2', 'django==5.2.8', 'uvicorn==0.38.0'] as const

export async function chromium(): Promise<string> {
  const given = process.env['CHROMIUM_PATH'] ?? findOnPath('chromium-browser') ?? findOnPath('google-chrome')
  return given ?? (await debianCommand('chromium', ['chromium']))
}

export const wrk = (): Promise<string> => debianCommand('wrk', ['wrk'])
const java = (): Promise<string> => debianCommand('java', ['default-jre-headless'])
const javac = (): Promise<string> => debianCommand('javac', ['default-jdk-headless'])
const maven = (): Promise<string> => debianCommand('mvn', ['maven'])

/** Home folder of a Keycloak that was built for a database in memory, so that it starts in seconds. */
export async function keycloak(): Promise<string> {
  const { artifact, version } = KEYCLOAK
  const advice = `missing Keycloak: needs Java 17 and Maven, and ${artifact}:${version}:zip from the Maven repository`
  await java()
  const home = await cached(`keycloak-${version}`, advice, async (making) => {
    const downloads = `${making}.zip`
    const args = [
      '-q',
      '-B',
      MAVEN_COPY,
      `-Dartifact=${artifact}:${version}:zip`,
      `-DoutputDirectory=${downloads}`,
    ]
    await run({ command: await maven(), args, cwd: CACHE, withinMs: 600_000 })
    const [zip = ''] = await readdir(downloads)
    await run({
      command: await python(),
      args: ['-m', 'zipfile', '-e', join(downloads, zip), making],
      withinMs: 120_000,
    })
    await rm(downloads, { recursive: true })
    const kc = join(making, `keycloak-${version}`, 'bin', 'kc.sh')
    await chmod(kc, 0o755)
    const options = ['--db=dev-mem', '--health-enabled=false', '--metrics-enabled=false']
    await run({ command: kc, args: ['build', ...options], withinMs: 180_000 })
  })
  return join(home, `keycloak-${version}`)
}

export const jupyter = (): Promise<string> =>
  venvWith(`jupyterlab-${JUPYTERLAB}`, 'JupyterLab', [`jupyterlab==${JUPYTERLAB}`])
/** With a SCIM client, and a tester of SCIM servers. */
const scim = (): Promise<string> => venvWith('scim2-0.13.2-0.5.2', 'the SCIM client', SCIM)
const wsgidav = (): Promise<string> => venvWith('wsgidav-4.4.0', 'WsgiDAV', WSGIDAV)
const streamlit = (): Promise<string> => venvWith('streamlit-1.51.0', 'Streamlit', STREAMLIT)

const verdaccio = async (): Promise<string> =>
  join(await npmPackages('verdaccio-6.10.4', VERDACCIO), 'node_modules', 'verdaccio', 'bin', 'verdaccio')
const nodeRed = async (): Promise<string> =>
  join(await npmPackages('node-red-5.0.7', NODE_RED), 'node_modules', 'node-red', 'red.js')
const prometheus = (): Promise<string> => debianCommand('prometheus', ['prometheus'])
const rclone = (): Promise<string> => debianCommand('rclone', ['rclone'])

/**
 * The command that reads compose files, as words: Docker's own plugin, or the same built from its Go module
 * where there is no Docker. Reading needs no engine.
 */
export async function compose(): Promise<string> {
  const docker = findOnPath('docker')
  if (
    docker !== undefined &&
    (await runToEnd({ command: docker, args: ['compose', 'version'] })).code === 0
  ) {
    return `${docker} compose`
  }
  const standalone = findOnPath('docker-compose')
  if (standalone !== undefined) return standalone
  const advice = `missing docker compose: install Docker's compose plugin, or Go to build ${COMPOSE} of it`
  const go = findOnPath('go')
  if (go === undefined) throw new MissingPart(advice)
  const folder = await cached(
    `compose-${COMPOSE}`,
    advice,
    async (making) => {
      await mkdir(making)
      const step = async (...args: string[]): Promise<string> =>
        await run({ command: go, args, cwd: making, env: { GOFLAGS: '-mod=mod' }, withinMs: 600_000 })
      await step('mod', 'init', 'compose')
      await step('get', `github.com/docker/compose/v2/cmd@${COMPOSE}`)
      await step('build', '-o', 'docker-compose', 'github.com/docker/compose/v2/cmd')
    },
    true,
  )
  return join(folder, 'docker-compose')
}

const KUBERNETES = '1.34.2'
const CLIENT_NODE = '20.19.5'

/**
 * Folder with `kube-apiserver`, `etcd` and `kubectl`, built from their Go modules: minutes once, then kept.
 */
export async function kubernetes(): Promise<string> {
  const advice = `missing the API server of Kubernetes ${KUBERNETES}: install Go to build it from its module`
  const go = findOnPath('go')
  if (go === undefined) throw new MissingPart(advice)
  return await cached(
    `kubernetes-${KUBERNETES}`,
    advice,
    async (making) => {
      const commands = ['kube-apiserver', 'etcd', 'kubectl'].map((command) => `./${command}`)
      const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', `${making}/`, ...commands]
      await mkdir(making)
      await run({ command: go, args, cwd: join(import.meta.dirname, 'kubernetes'), withinMs: 2_400_000 })
    },
    true,
  )
}

const HELM = 'v3.22.0'

/** Helm, built of its Go module: minutes once, then kept. */
async function helm(): Promise<string> {
  const advice = `missing Helm: install Go to build ${HELM} of its module`
  const go = findOnPath('go')
  if (go === undefined) throw new MissingPart(advice)
  const folder = await cached(
    `helm-${HELM}`,
    advice,
    async (making) => {
      const args = ['install', '-trimpath', '-ldflags=-s -w', `helm.sh/helm/v3/cmd/helm@${HELM}`]
      await mkdir(making)
      await run({ command: go, args, cwd: making, env: { GOBIN: making }, withinMs: 2_400_000 })
    },
    true,
  )
  return join(folder, 'helm')
}

/** Folder with Tomcat and a server built on it (`path-servers/TomcatServer.java`). */
async function tomcat(): Promise<string> {
  const advice = `missing Tomcat: needs a JDK and Maven, and ${TOMCAT_PARTS.join(', ')} of ${TOMCAT} from the Maven repository`
  const source = join(import.meta.dirname, 'path-servers', 'TomcatServer.java')
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 8)
  return await cached(`tomcat-${TOMCAT}-${hash}`, advice, async (making) => {
    await mkdir(making)
    for (const part of TOMCAT_PARTS) {
      const args = ['-q', '-B', MAVEN_COPY, `-Dartifact=${part}:${TOMCAT}`, `-DoutputDirectory=${making}`]
      await run({ command: await maven(), args, cwd: CACHE, withinMs: 600_000 })
    }
    const args = ['-cp', `${making}/*`, '-d', making, source]
    await run({ command: await javac(), args, withinMs: 180_000 })
  })
}

/** Folder with a Debian 12 of the smallest kind: it has no Node, no Python and no compiler. */
async function bareDebian(): Promise<string> {
  const advice = 'missing a bare Debian: run as root, with debootstrap, iproute2 and a mirror of Debian'
  if (process.getuid?.() !== 0) throw new MissingPart(advice)
  await debianCommand('ip', ['iproute2'])
  const command = await debianCommand('debootstrap', ['debootstrap'])
  return await cached('bare-debian-12', advice, async (making) => {
    await run({ command, args: ['--variant=minbase', 'bookworm', making], withinMs: 600_000 })
  })
}

/** Folder with a Debian 12 that boots: with systemd, and what our package depends on. */
async function debianWithSystemd(): Promise<string> {
  const advice =
    'missing a Debian that boots: run as root, with debootstrap, systemd-container and a mirror of Debian'
  if (process.getuid?.() !== 0) throw new MissingPart(advice)
  await debianCommand('systemd-nspawn', ['systemd-container'])
  const command = await debianCommand('debootstrap', ['debootstrap'])
  const include = '--include=systemd,systemd-sysv,dbus,libstdc++6,ca-certificates,procps'
  return await cached('debian-12-with-systemd', advice, async (making) => {
    await run({ command, args: ['--variant=minbase', include, 'bookworm', making], withinMs: 900_000 })
  })
}

/**
 * Folder with a Docker engine, its client and iptables, unpacked of Debian's packages: nothing is installed or
 * started on this machine. Not for systems that can't make namespaces.
 */
async function dockerEngine(): Promise<string> {
  const wanted = ['docker.io', 'iptables', 'tini']
  const advice = `missing a Docker engine: run as root, with a mirror of Debian that has ${wanted.join(', ')}`
  if (process.getuid?.() !== 0 || findOnPath('apt-get') === undefined) throw new MissingPart(advice)
  return await cached('docker-engine-debian', advice, async (making) => {
    const packages = join(making, 'packages')
    await mkdir(packages, { recursive: true })
    const apt = async (...args: string[]): Promise<string> =>
      await run({ command: 'apt-get', args, cwd: packages, withinMs: 300_000 })
    await apt('update', '-qq')
    const uris = await apt('install', '--print-uris', '-qq', '--no-install-recommends', ...wanted)
    const names = [...uris.matchAll(/ ([\w.+-]+?)_\S+\.deb /g)].map(([, name = '']) => name)
    await apt('download', '-qq', ...names)
    for (const file of await readdir(packages))
      await run({ command: 'dpkg', args: ['-x', join(packages, file), making] })
    await rm(packages, { recursive: true })
    // Debian's own links lead to what its package manager has chosen.
    await mkdir(join(making, 'bin'))
    for (const name of ['iptables', 'ip6tables'].flatMap((each) =>
      ['', '-save', '-restore'].map((end) => each + end),
    ))
      await symlink('../usr/sbin/xtables-legacy-multi', join(making, 'bin', name))
  })
}

/** An emulator of ARM64 as words, with the libraries that a program for it is linked with. */
async function arm64(): Promise<string> {
  const libraries = ['libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libgcc-s1-arm64-cross']
  const command = await debianCommand('qemu-aarch64-static', ['qemu-user-static'])
  const root = '/usr/aarch64-linux-gnu'
  if (!existsSync(join(root, 'lib', 'libstdc++.so.6')))
    await installPackages(libraries, `missing libraries of ARM64: apt-get install ${libraries.join(' ')}`)
  return `${command} -L ${root}`
}

/** Interpreter of a virtual environment with Flask, and Django on uvicorn. */
const pythonWeb = (): Promise<string> =>
  venvWith('python-web-3.1.2-5.2.8-0.38.0', 'Flask and Django', PYTHON_WEB)

/** The Node that many computers of users still have. */
async function oldestClientNode(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const command = join(folder, 'node')
    if (!existsSync(command)) continue
    const { stdout } = await runToEnd({ command, args: ['--version'] })
    if (stdout.startsWith('v20.')) return command
  }
  const name = `node-linux-${process.arch}`
  const advice = `missing Node ${CLIENT_NODE}: put a Node 20 on PATH, or see whether npm can fetch ${name}`
  const folder = await cached(`node-${CLIENT_NODE}-${process.arch}`, advice, async (making) => {
    await mkdir(making)
    const args = ['install', '--no-save', '--no-audit', '--prefix', making, `${name}@${CLIENT_NODE}`]
    await run({ command: 'npm', args, cwd: making, withinMs: 600_000 })
  })
  return join(folder, 'node_modules', name, 'bin', 'node')
}

/** Another proxy, whose answers those of an imported configuration are compared with. */
async function oauth2Proxy(): Promise<string> {
  const found = findOnPath('oauth2-proxy')
  if (found !== undefined) return found
  const advice = `missing oauth2-proxy: put it into PATH, or install Go to build ${OAUTH2_PROXY} of it`
  const go = findOnPath('go')
  if (go === undefined) throw new MissingPart(advice)
  const folder = await cached(
    `oauth2-proxy-${OAUTH2_PROXY}`,
    advice,
    async (making) => {
      await mkdir(making)
      const args = ['install', `github.com/oauth2-proxy/oauth2-proxy/v7@${OAUTH2_PROXY}`]
      await run({ command: go, args, cwd: making, env: { GOBIN: making, GOFLAGS: '' }, withinMs: 600_000 })
    },
    true,
  )
  return join(folder, 'oauth2-proxy')
}

export type Part =
  | 'chromium'
  | 'wrk'
  | 'keycloak'
  | 'jupyter'
  | 'compose'
  | 'scim'
  | 'kubernetes'
  | 'tomcat'
  | 'python-web'
  | 'bare-debian'
  | 'debian-with-systemd'
  | 'arm64'
  | 'wsgidav'
  | 'rclone'
  | 'verdaccio'
  | 'node-red'
  | 'prometheus'
  | 'streamlit'
  | 'docker-engine'
  | 'helm'
  | 'node-20'
  | 'oauth2-proxy'
const PARTS: Readonly<Record<Part, () => Promise<string>>> = {
  chromium,
  wrk,
  keycloak,
  jupyter,
  compose,
  scim,
  kubernetes,
  tomcat,
  'python-web': pythonWeb,
  'bare-debian': bareDebian,
  'debian-with-systemd': debianWithSystemd,
  arm64,
  wsgidav,
  rclone,
  verdaccio,
  'node-red': nodeRed,
  prometheus,
  streamlit,
  'docker-engine': dockerEngine,
  helm,
  'node-20': oldestClientNode,
  'oauth2-proxy': oauth2Proxy,
}

export type Found =
  | { readonly path: string }
  /** With `isLeft` where it is left for `npm run test:slow`. */
  | { readonly missing: string; readonly isLeft: boolean }

export async function findPart(part: Part): Promise<Found> {
  try {
    return { path: await PARTS[part]() }
  } catch (error) {
    if (error instanceof MissingPart)
      return { missing: error.message, isLeft: error instanceof LeftForSlowRun }
    throw error
  }
}

/**
 * For the options of a test or suite: skips it with the reason where the part can't be had. In CI it is not
 * skipped, so that it fails there, unless it is left for the slow run.
 */
export function skipWithout(found: Found): { readonly skip: string } | Record<string, never> {
  return 'missing' in found && (found.isLeft || !process.env['CI']) ? { skip: found.missing } : {}
}

/** The part's path, or the failure that says how to get it. */
export function need(found: Found): string {
  if ('missing' in found) throw new MissingPart(found.missing)
  return found.path
}
