/**
 * A route as it is judged, with what it tells its upstream: made ready once a generation.
 *
 * @module
 */
import { AccessRoute, type RoutePorts } from '../access/route.ts'
import type { Config, Route } from '../config/config.ts'
import { Contributions } from './contributors.ts'

export class UpstreamRoute extends AccessRoute {
  readonly contributions: Contributions

  /** @throws {Fault} `CONFIG_INVALID` for a policy that does not compile: config/ should have refused it */
  constructor(route: Route, config: Config, ports: RoutePorts) {
    super(route, config, ports)
    this.contributions = new Contributions(this)
  }
}
