/**
 * Sockets that the service manager listens on and passes to us, as systemd's socket units do. They stay open
 * while we restart: whoever connects meanwhile waits, and nobody is refused.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
 * @module
 */
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { Fault } from '../errors.ts'

const FIRST_DESCRIPTOR = 3
const MOST = 64

/** An open descriptor of a Unix socket that listens already. */
export interface PassedSocket {
  readonly name: string
  readonly descriptor: number
  /** Where it lies, in the words of the kernel. */
  readonly path: string
}

/** Flag of the kernel for a socket that listens (`SO_ACCEPTCON`), and its type for streams. */
const LISTENS = 0x1_00_00
const STREAM = 1

/**
 * By their names (`FileDescriptorName=`). None are passed when the environment has none, or those of another
 * process: it is inherited by children.
 *
 * @throws {Fault} `STATE_UNUSABLE` unless they are exactly those that are wanted
 */
export function passedSockets<Name extends string>(
  wanted: readonly Name[],
  env: Readonly<Record<string, string | undefined>> = process.env,
  pid = process.pid,
): ReadonlyMap<Name, PassedSocket> | undefined {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = env
  if (LISTEN_PID !== String(pid) || LISTEN_FDS === undefined || LISTEN_FDS === '0') return undefined
  const count = Number(LISTEN_FDS)
  if (!Number.isInteger(count) || count < 0 || count > MOST)
    throw wrong(`LISTEN_FDS is "${LISTEN_FDS}", which is no number of sockets`)
  const names = LISTEN_FDNAMES?.split(':') ?? []
  const needed = wanted.map((name) => `"${name}"`).join(', ')
  if (names.length !== count)
    throw wrong(
      `${count} came with ${names.length} names: each .socket unit needs FileDescriptorName=, of ${needed}`,
    )
  const stray = names.find((name, at) => !wanted.some((each) => each === name) || names.indexOf(name) !== at)
  if (stray !== undefined)
    throw wrong(`"${stray}" is not wanted, or came twice: FileDescriptorName= is one each of ${needed}`)
  const missing = wanted.find((name) => !names.includes(name))
  if (missing !== undefined)
    throw wrong(`"${missing}" is missing: start the .socket units of ${needed} together`)
  return new Map(
    wanted.map((name) => [name, { name, ...judged(name, FIRST_DESCRIPTOR + names.indexOf(name)) }]),
  )
}

/** Whoever may connect is believed to be Envoy, so a socket for everybody is refused. */
function judged(name: string, descriptor: number): Omit<PassedSocket, 'name'> {
  const row = kernelRowOf(descriptor)
  if (row === undefined || row.type !== STREAM || (row.flags & LISTENS) === 0)
    throw wrong(
      `"${name}" (descriptor ${descriptor}) is no Unix stream socket that listens: set ListenStream= to a path`,
    )
  const mode = statSync(row.path, { throwIfNoEntry: false })?.mode ?? 0
  if ((mode & 0o002) !== 0)
    throw wrong(`everybody may connect to ${row.path}: set SocketMode=0660 in the unit of "${name}"`)
  return { descriptor, path: row.path }
}

interface KernelRow {
  readonly flags: number
  readonly type: number
  readonly path: string
}

/** Its row of `/proc/self/net/unix`: Num RefCount Protocol Flags Type St Inode Path. */
function kernelRowOf(descriptor: number): KernelRow | undefined {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1]
    for (const line of readFileSync('/proc/self/net/unix', 'utf8').split('\n')) {
      const [, , , flags = '', type = '', , itsInode, ...path] = line.trim().split(/ +/)
      if (inode !== undefined && itsInode === inode)
        return { flags: parseInt(flags, 16), type: parseInt(type, 16), path: path.join(' ') }
    }
  } catch {
    // A descriptor that is not open, or a system without /proc.
  }
  return undefined
}

const wrong = (what: string): Fault =>
  new Fault('STATE_UNUSABLE', `of the sockets that the service manager passed: ${what}`)
