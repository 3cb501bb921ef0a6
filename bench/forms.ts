/**
 * Size, start and memory of what `npm run build` makes, beside the checkout, in one run.
 *
 *     npm run build -- bundle single-file && node bench/forms.ts [rounds]
 *
 * The forms take turns. CPU time is what counts: the clock on the wall depends on what else the machine does.
 * `serve` runs with an Envoy of its own that is none of it, so that what is measured is Sallyport alone.
 *
 * @module
 */
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../src/form/installation.ts'
import { request } from '../test/harness/http-client.ts'
import { freePort, tempDir } from '../test/harness/ports.ts'
import { startProcess } from '../test/harness/process.ts'
import { invocation, SOURCES } from '../test/harness/program.ts'
import { until } from '../test/harness/until.ts'
import { cpuSeconds, median, residentMb } from './cpu.ts'

const ROOT = join(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')
const ROUNDS = Number(process.argv[2] ?? 7)
const say = (line: string): void => void process.stdout.write(`${line}\n`)

interface Form {
  readonly name: string
  readonly program: string
  /** What has to be there for it to run. */
  readonly files: readonly string[]
}

const FORMS: readonly Form[] = [
  { name: 'checkout', program: SOURCES, files: ['src', 'proto', 'envoy', 'node_modules'].map(inRoot) },
  {
    name: 'bundle',
    program: join(DIST, 'npm/sallyport/bin/sallyport.mjs'),
    files: [join(DIST, 'npm/sallyport')],
  },
  ...['', '-with-envoy'].map((ending) => {
    const program = join(DIST, `sallyport-${version()}-linux-${process.arch}${ending}`)
    return { name: `single file${ending.replaceAll('-', ' ')}`, program, files: [program] }
  }),
].filter(({ program }) => existsSync(program))

function inRoot(name: string): string {
  return join(ROOT, name)
}

function bytesOf(path: string): number {
  if (statSync(path).isFile()) return statSync(path).size
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

const configOf = (port: number): string => `address: 127.0.0.1:1
health_check_addr: 127.0.0.1:${port}
authenticate_service_url: https://authenticate.localhost
idp_provider: oidc
idp_provider_url: https://idp.localhost
idp_client_id: bench
idp_client_secret: a-secret-of-the-benchmark
routes:
  - from: https://app.localhost
    to: http://127.0.0.1:9
    policy: { allow: { or: [{ groups: { has: staff } }] } }
`

interface Start {
  readonly cpuSeconds: number
  readonly wallMs: number
  readonly rssMb: number
}

async function serve(form: Form): Promise<Start> {
  await using folder = await tempDir('forms')
  const port = await freePort()
  writeFileSync(join(folder.path, 'config.yaml'), configOf(port))
  const began = performance.now()
  await using child = startProcess({
    ...invocation(form.program, ['serve', '--envoy', 'external']),
    cwd: folder.path,
  })
  const url = `http://127.0.0.1:${port}/healthz`
  await until(async () => (await request({ url }).catch(() => undefined))?.status === 200, {
    what: `${form.name} to serve`,
    withinMs: 60_000,
    everyMs: 5,
  })
  return {
    cpuSeconds: cpuSeconds(child.pid),
    wallMs: performance.now() - began,
    rssMb: residentMb(child.pid),
  }
}

const starts = new Map<string, Start[]>(FORMS.map(({ name }) => [name, []]))
for (let round = 0; round < ROUNDS; round += 1)
  for (const form of FORMS.toSorted(() => (round % 2 === 0 ? 1 : -1)))
    starts.get(form.name)?.push(await serve(form))

const middle = (name: string, key: keyof Start): number =>
  median((starts.get(name) ?? []).map((each) => each[key]))
const columns = ['cpuSeconds', 'wallMs', 'rssMb'] as const
say('| form | size MB | CPU s until it serves | ratio | wall ms | ratio | RSS MB | ratio |')
say('|---|---|---|---|---|---|---|---|')
for (const { name, files } of FORMS) {
  const size = files.reduce((sum, path) => sum + bytesOf(path), 0) / 1e6
  const cells = columns.map((key) => {
    const value = middle(name, key)
    return `${value.toFixed(key === 'cpuSeconds' ? 2 : 0)} | ${(value / middle('checkout', key)).toFixed(2)}`
  })
  say(`| ${name} | ${size.toFixed(1)} | ${cells.join(' | ')} |`)
}
