/**
 * The two services that say who may pass: one before a request goes through, one while it stays open.
 *
 * @module
 */
import { type ExtAuthzOptions, serveExtAuthz } from '../extauthz/service.ts'
import { type SuperviseOptions, serveSupervise } from '../supervise/service.ts'
import type { SocketPlaces } from './socket-places.ts'
import type { openUpstreamPorts } from './upstream-ports.ts'

type UpstreamPorts = ReturnType<typeof openUpstreamPorts>

export type JudgementOptions = Omit<ExtAuthzOptions, 'socketPath' | keyof UpstreamPorts> &
  Omit<SuperviseOptions, 'socketPath'> & {
    readonly sockets: Pick<SocketPlaces, 'authz' | 'supervise'>
    readonly upstreamPorts: UpstreamPorts
  }

export async function serveJudgement(options: JudgementOptions): Promise<AsyncDisposable> {
  const { sockets, upstreamPorts, ...judging } = options
  await using starting = new AsyncDisposableStack()
  starting.use(await serveExtAuthz({ ...judging, ...upstreamPorts, socketPath: sockets.authz }))
  starting.use(await serveSupervise({ ...judging, socketPath: sockets.supervise }))
  return starting.move()
}
