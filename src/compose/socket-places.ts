/**
 * Where Sallyport listens for Envoy: on sockets in the run folder, or on those that the service manager has
 * passed.
 *
 * @module
 */
import { join } from 'node:path'
import { SOCKETS } from '../../envoy/bootstrap.ts'
import { namedRunDir, runDirFor } from '../../envoy/run-dir.ts'
import { Fault } from '../errors.ts'
import { passedSockets } from '../transport/passed-sockets.ts'
import type { SocketPlace } from '../transport/unix-socket.ts'

const OURS = ['xds', 'authz', 'supervise', 'http'] as const

export interface SocketPlaces extends Readonly<Record<(typeof OURS)[number], SocketPlace>> {
  readonly runDir: string
  /** Envoy's own. */
  readonly admin: string
}

/** @throws {Fault} STATE_UNUSABLE */
export function socketPlaces(options: {
  readonly stateDir: string
  readonly runDir: string | undefined
  readonly envoy: 'managed' | 'external'
}): SocketPlaces {
  const runDir = options.runDir === undefined ? runDirFor(options.stateDir) : namedRunDir(options.runDir)
  const passed = passedSockets(OURS)
  if (passed !== undefined && options.envoy === 'managed')
    throw new Fault(
      'STATE_UNUSABLE',
      'sockets that the service manager passes are for an Envoy that it starts too: add --envoy external',
    )
  const place = (name: (typeof OURS)[number]): SocketPlace => passed?.get(name) ?? join(runDir, SOCKETS[name])
  return {
    runDir,
    admin: join(runDir, SOCKETS.admin),
    xds: place('xds'),
    authz: place('authz'),
    supervise: place('supervise'),
    http: place('http'),
  }
}
