/**
 * What was made of routes, for as long as they and the settings stay the same: through generations too.
 *
 * An edit of one route among thousands leaves nearly all resources as they are, and making one means to write
 * it as JSON and to digest that.
 *
 * @module
 */
import type { Route, Settings } from '../../config/config.ts'
import { firstOf } from '../../config/routing/moved-route.ts'
import type { Resource } from '../ads/resource.ts'

interface Made {
  readonly routes: readonly Route[]
  /** The cluster of each route. */
  readonly clusters: readonly (string | undefined)[]
  readonly resources: readonly Resource[]
}

export class KeptResources {
  readonly #bySettings = new WeakMap<Settings, WeakMap<Route, Made>>()

  /**
   * The resources of some routes, made anew unless these very routes had these clusters and settings the last
   * time.
   *
   * @param make from nothing but the settings, the routes without their places in the file, and their
   * clusters
   */
  of(
    settings: Settings,
    routes: readonly Route[],
    clusters: ReadonlyMap<Route, string>,
    make: () => readonly Resource[],
  ): readonly Resource[] {
    const [key] = routes
    if (key === undefined) return make()
    let byRoute = this.#bySettings.get(settings)
    if (byRoute === undefined) this.#bySettings.set(settings, (byRoute = new WeakMap()))
    const known = byRoute.get(firstOf(key))
    if (known !== undefined && isMadeOf(known, routes, clusters)) return known.resources
    const resources = make()
    byRoute.set(firstOf(key), {
      routes: routes.map(firstOf),
      clusters: routes.map((route) => clusters.get(route)),
      resources,
    })
    return resources
  }
}

function isMadeOf(made: Made, routes: readonly Route[], clusters: ReadonlyMap<Route, string>): boolean {
  return (
    made.routes.length === routes.length &&
    routes.every(
      (route, index) => made.routes[index] === firstOf(route) && made.clusters[index] === clusters.get(route),
    )
  )
}
