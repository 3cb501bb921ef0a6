/**
 * The commands that users of a proxy have. What they import runs on Node 20, and is nothing of the server's.
 *
 * @module
 */
import type { CommandGroup } from '../command.ts'
import { AUTH } from './auth.ts'
import { CACHE } from './cache.ts'
import { KUBERNETES } from './kubernetes.ts'
import { ROUTES } from './routes.ts'

export const CLIENT_GROUP: CommandGroup = {
  heading: 'Use what a proxy protects',
  commands: { auth: AUTH, routes: ROUTES, kubernetes: KUBERNETES, cache: CACHE },
}
