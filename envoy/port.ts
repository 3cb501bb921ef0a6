/**
 * Looks whether Envoy will be able to listen, before it is started: its own refusal comes late and in its
 * words.
 *
 * @module
 */

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { Fault } from '../src/errors.ts'

const LISTENING = '0A'

export interface PortToCheck {
  readonly host: string
  readonly port: number
  /** The configuration key that asks for it, such as `address`. */
  readonly key: string
  /** The binary that will listen: it may have the right to low ports that we lack. */
  readonly envoyPath?: string | undefined
}

/**
 * @throws {Fault} `PORT_IN_USE` naming the key and, where this user may know it, the process that holds the
 * port; `PORT_FORBIDDEN` for a low port without the right to it; `CONFIG_INVALID` for an address of another
 * machine
 */
export async function assertPortFree({ host, port, key, envoyPath }: PortToCheck): Promise<void> {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const code = await tryListening(host, port)
  switch (code) {
    case undefined:
      return
    case 'EADDRINUSE': {
      const holder = holderOf(port)
      throw new Fault(
        'PORT_IN_USE',
        `${where} is in use${holder === undefined ? '' : ` by ${holder}`}; stop that, or set "${key}" to another port`,
      )
    }
    case 'EACCES':
      if (envoyPath !== undefined && (await mayBindLowPorts(envoyPath))) return
      throw new Fault(
        'PORT_FORBIDDEN',
        `this user may not listen on ${where}: give the service the right ` +
          `(AmbientCapabilities=CAP_NET_BIND_SERVICE in its systemd unit), allow low ports to everybody ` +
          `(sysctl net.ipv4.ip_unprivileged_port_start=${port}), or set "${key}" to a port from 1024 up`,
      )
    default:
      throw new Fault('CONFIG_INVALID', `"${key}": can't listen on ${where} (${code})`)
  }
}

function tryListening(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

async function mayBindLowPorts(path: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)('getcap', [path]).catch(() => ({ stdout: '' }))
  return stdout.includes('cap_net_bind_service')
}

/** `name (pid 123)` of the process that listens on a port, as far as /proc shows it to this user. */
function holderOf(port: number): string | undefined {
  try {
    const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listenersIn(file, port)))
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      if (socketsOf(pid).some((inode) => inodes.has(inode)))
        return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`
  } catch {
    // No /proc on this system.
  }
  return undefined
}

function listenersIn(file: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => local.endsWith(suffix) && state === LISTENING)
    .flatMap((columns) => columns[9] ?? [])
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(readlinkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
    )
  } catch {
    // Another user's process, or one that has just ended.
    return []
  }
}

function readlinkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
