/**
 * Listening on a Unix socket that only its owner may reach, or on one that the service manager has passed.
 *
 * @module
 */
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { Fault } from '../errors.ts'
import { makeFolder } from '../make-folder.ts'
import type { PassedSocket } from './passed-sockets.ts'

/** Linux keeps 108 bytes with the closing NUL, macOS 104. */
const LONGEST_PATH_BYTES = 103

/**
 * Connections that may wait to be accepted. A Unix socket with a full queue refuses at once, so a burst of
 * requests would be answered 503; the kernel's own limit (`net.core.somaxconn`) is 4096 on Linux.
 */
const BACKLOG = 4096

/** What `listenUnix` needs of a server; `node:net`, `node:http` and `node:http2` servers all have it. */
export type Listener = Pick<Server, 'listen' | 'once' | 'off'>

/** A path to listen on, or a socket that listens already. */
export type SocketPlace = string | PassedSocket

/**
 * Makes way for a socket: creates its directory (0700) and removes what a killed process left behind.
 *
 * @throws {Fault} `STATE_UNUSABLE` when the path is too long or is a file of another kind
 * @throws {Fault} `PORT_IN_USE` when another process answers there
 */
async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) {
    throw new Fault('STATE_UNUSABLE', `socket path is longer than ${LONGEST_PATH_BYTES} bytes: ${path}`)
  }
  makeFolder(dirname(path), 0o700)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Fault('STATE_UNUSABLE', `in the way of a socket: ${path}`)
  if (await isAnswered(path))
    throw new Fault(
      'PORT_IN_USE',
      `another process listens on ${path}: if it is another Sallyport with the same state folder, stop it, or give this one its own --state-dir`,
    )
  rmSync(path, { force: true })
}

/**
 * Listens on a path with mode 0600. A socket that was passed is taken as it is: closing the server leaves it
 * where it is.
 *
 * @throws {Fault} `STATE_UNUSABLE`, `PORT_IN_USE`
 */
export async function listenUnix(server: Listener, place: SocketPlace): Promise<void> {
  if (typeof place !== 'string') {
    const listening = started(server)
    server.listen({ fd: place.descriptor, backlog: BACKLOG })
    return await listening
  }
  await clearSocketPath(place)
  // The socket is bound inside listen(): with this mask nobody can connect before the mode is right.
  const mask = process.umask(0o177)
  const listening = started(server)
  try {
    server.listen({ path: place, backlog: BACKLOG })
  } finally {
    process.umask(mask)
  }
  await listening
  chmodSync(place, 0o600)
}

function started(server: Listener): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}
