/**
 * Free loopback ports and folders of one's own, so that test files run side by side.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LOOPBACK = '127.0.0.1'

/** Ports that were free a moment ago; all are held at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  try {
    return await Promise.all(
      servers.map(async (server) => {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject).listen(0, LOOPBACK, resolve)
        })
        const address = server.address()
        if (address === null || typeof address === 'string') throw new Error('no port was given')
        return address.port
      }),
    )
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
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
