/**
 * The routes that the user may open, as the server lists them.
 *
 * @module
 */
import { Fault } from '../errors.ts'
import { type Client, getSignedIn } from './signed-in.ts'

export interface ListedRoute {
  readonly id: string
  readonly name: string
  /** `http`, `tcp`, `udp`, `ssh` or `mcp`. */
  readonly type: string
  readonly from: string
  readonly description: string
  readonly connect_command: string
}

/** @throws {Fault} SERVER_ANSWER_INVALID */
export async function listRoutes(client: Client): Promise<readonly ListedRoute[]> {
  const { text } = await getSignedIn(client, '/.pomerium/api/v1/routes')
  const routes = rowsIn(text)
  if (routes === undefined)
    throw new Fault('SERVER_ANSWER_INVALID', `${client.http.server.origin} answers with no list of routes`)
  return routes.map(routeOf)
}

function rowsIn(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const routes: unknown =
      typeof value === 'object' && value !== null ? Reflect.get(value, 'routes') : undefined
    // A server written in Go says null where there are none.
    return Array.isArray(routes) ? routes : routes === null ? [] : undefined
  } catch {
    return undefined
  }
}

function routeOf(value: unknown): ListedRoute {
  const told = (key: string): string => {
    const member: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
    return typeof member === 'string' ? member : ''
  }
  return {
    id: told('id'),
    name: told('name'),
    type: told('type'),
    from: told('from'),
    description: told('description'),
    connect_command: told('connect_command'),
  }
}
