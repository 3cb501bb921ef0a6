/**
 * Size, cold start and memory of the container image, beside that of an earlier commit with Node on the sources.
 *
 *     npm run test:docker -- bench/containers.ts
 *
 * On the Docker engine of the tests, with the images that it has built. The images take turns. A start is from
 * `docker run` until `/healthz` answers; Envoy is not part of it.
 *
 * @module
 */
import { join } from 'node:path'
import { startTestEngine } from '../test/docker/compose-stack.ts'
import { EARLIER_IMAGE, IMAGE } from '../test/docker/images.ts'
import { request } from '../test/harness/http-client.ts'
import { until } from '../test/harness/until.ts'
import { cpuSeconds, median, residentMb } from './cpu.ts'

const ROUNDS = 5
const IMAGES = [EARLIER_IMAGE, IMAGE]
const CONFIG = join(import.meta.dirname, '..', 'examples', 'compose')
const say = (line: string): void => void process.stdout.write(`${line}\n`)

await using engine = await startTestEngine()

async function start(image: string): Promise<{ cpu: number; wallMs: number; rssMb: number }> {
  const began = performance.now()
  const hardened = [
    '--read-only',
    '--cap-drop',
    'ALL',
    '--tmpfs',
    '/tmp',
    '--tmpfs',
    '/run/sallyport:uid=65532,mode=0700',
  ]
  const id = await engine.docker([
    'run',
    '--detach',
    '--network',
    'host',
    ...hardened,
    '--volume',
    `${CONFIG}:/etc/sallyport:ro`,
    image,
  ])
  try {
    await until(
      async () =>
        (await request({ url: 'http://127.0.0.1:28080/healthz' }).catch(() => undefined))?.status === 200,
      {
        what: `${image} to answer`,
        withinMs: 60_000,
        everyMs: 5,
      },
    )
    const wallMs = performance.now() - began
    const { Pid } = (await engine.inspect(id)).State
    return { wallMs, cpu: cpuSeconds(Pid), rssMb: residentMb(Pid) }
  } finally {
    await engine.docker(['rm', '--force', '--volumes', id])
  }
}

const starts = new Map(IMAGES.map((image) => [image, [] as Awaited<ReturnType<typeof start>>[]]))
for (let round = 0; round < ROUNDS; round += 1)
  for (const image of IMAGES.toSorted(() => (round % 2 === 0 ? 1 : -1)))
    starts.get(image)?.push(await start(image))

const middle = (image: string, key: 'cpu' | 'wallMs' | 'rssMb'): number =>
  median((starts.get(image) ?? []).map((each) => each[key]))
say('| image | size MB | CPU s until it answers | ratio | wall ms | ratio | RSS MB | ratio |')
say('|---|---|---|---|---|---|---|---|')
for (const image of IMAGES) {
  const size = Number(await engine.docker(['image', 'inspect', '--format', '{{.Size}}', image])) / 1e6
  const cells = (['cpu', 'wallMs', 'rssMb'] as const).map(
    (key) =>
      `${middle(image, key).toFixed(key === 'cpu' ? 2 : 0)} | ${(middle(image, key) / middle(EARLIER_IMAGE, key)).toFixed(2)}`,
  )
  say(`| ${image} | ${size.toFixed(0)} | ${cells.join(' | ')} |`)
}
