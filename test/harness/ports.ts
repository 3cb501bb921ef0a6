/**
 * Free loopback ports and folders of one's own, so that test files run side by side.
 *
 * @module
 */
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LOOPBACK = '127.0.0.1'

/**
 * Below the range from which systems take ports for outgoing connections and for listeners on port 0 (Linux:
 * 32768): a port that was found free would otherwise soon be somebody's.
 */
const LOWEST = 10_240
const HIGHEST = 32_000
const MOST_TRIES = 200

/** Ports that are free, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  for (let tries = 0; found.size < count; tries++) {
    if (tries > MOST_TRIES + count) throw new Error('no free port was found')
    const port = randomInt(LOWEST, HIGHEST)
    if (!found.has(port) && (await isFree(port))) found.add(port)
  }
  return [...found]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)))
  })
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  if (port === undefined) throw new Error('no port was given')
  return port
}

export interface TempDir extends AsyncDisposable {
  readonly path: string
}

/** A folder that goes when it is disposed. Short names: a Unix socket's path may have 107 bytes only. */
export async function tempDir(name = 'sp'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `${name}-`))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}
