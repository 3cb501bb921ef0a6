/**
 * What must hold between tests, the subjects they name and the routes they are about.
 *
 * @module
 */

import type { ConfigPath, Mistake, Settings } from '../../config.ts'
import { nearest } from '../../values/nearest.ts'
import type { PlacedRoute } from '../rules.ts'
import type { GlobalTest } from './policy-test-keys.ts'

/** In `who`, somebody who is not signed in. */
const ANONYMOUS = 'anonymous'
/** In `route`, that no route may answer. */
const NO_ROUTE = 'none'

export function policyTestRules(routes: readonly PlacedRoute[], settings: Settings): Mistake[] {
  const subjects = Object.keys(settings.test_subjects ?? {})
  return [
    ...routes.flatMap(({ route, path }) =>
      (route.tests ?? []).flatMap((test, index) => [
        ...whoIsKnown(test, [...path, 'tests', index], subjects),
        ...placeHasAddress(test, [...path, 'tests', index]),
      ]),
    ),
    ...(settings.tests ?? []).flatMap((test, index) => {
      const path = ['tests', index]
      return [
        ...whoIsKnown(test, path, subjects),
        ...placeHasAddress(test, path),
        ...expectsSomething(test, path),
        ...reasonsNeedPolicy(test, path),
        ...routeIsKnown(test, path, routes),
        ...asksOneThing(test, path),
        ...policyIsKnown(test, path, Object.keys(settings.policies ?? {})),
      ]
    }),
  ]
}

function whoIsKnown(
  { who }: { readonly who?: unknown },
  path: ConfigPath,
  subjects: readonly string[],
): Mistake[] {
  if (typeof who !== 'string' || who === ANONYMOUS || subjects.includes(who)) return []
  const close = nearest(who, [...subjects, ANONYMOUS])
  const hint = close === undefined ? '' : `; did you mean "${close}"?`
  return [{ path: [...path, 'who'], message: `"${who}" is not under \`test_subjects\`${hint}` }]
}

/** A place is looked up by the address: without one it is not asked for. */
function placeHasAddress(
  { place, ip }: { readonly place?: unknown; readonly ip?: string | undefined },
  path: ConfigPath,
): Mistake[] {
  return place === undefined || ip !== undefined
    ? []
    : [{ path: [...path, 'place'], message: 'needs `ip` beside it' }]
}

type Expectation = Pick<GlobalTest, 'expect' | 'route' | 'url' | 'policy'> & { readonly reason?: unknown }

function expectsSomething({ expect, route }: Expectation, path: ConfigPath): Mistake[] {
  if (expect !== undefined || route !== undefined) return []
  return [{ path, on: 'key', message: 'expects nothing; give `expect`, `route` or both' }]
}

function reasonsNeedPolicy({ expect, reason }: Expectation, path: ConfigPath): Mistake[] {
  if (reason === undefined || (expect !== 'not-found' && expect !== 'refused' && expect !== 'own-page'))
    return []
  return [
    { path: [...path, 'reason'], message: `no policy is asked where \`${expect}\` is expected; remove it` },
  ]
}

function routeIsKnown({ route }: Expectation, path: ConfigPath, routes: readonly PlacedRoute[]): Mistake[] {
  if (route === undefined || route === NO_ROUTE) return []
  const names = routes.flatMap(({ route: { name, from } }) => [...(name === undefined ? [] : [name]), from])
  if (names.includes(route)) return []
  const close = nearest(route, names)
  const hint = close === undefined ? '' : `; did you mean "${close}"?`
  return [{ path: [...path, 'route'], message: `no route has this as its \`name\` or \`from\`${hint}` }]
}

/** Without a route there is nothing but what the policy says. */
function asksOneThing({ url, policy, route, expect }: Expectation, path: ConfigPath): Mistake[] {
  if (policy === undefined)
    return url === undefined ? [{ path, on: 'key', message: 'needs a `url` or a `policy`' }] : []
  if (route !== undefined)
    return [{ path: [...path, 'route'], message: 'cannot stand beside `policy`: no route is chosen' }]
  const isOfPolicy = expect === undefined || expect === 'allow' || expect === 'deny' || expect === 'sign-in'
  return isOfPolicy
    ? []
    : [{ path: [...path, 'expect'], message: 'must be one of allow, deny, sign-in beside `policy`' }]
}

function policyIsKnown({ policy }: Expectation, path: ConfigPath, policies: readonly string[]): Mistake[] {
  if (policy === undefined || policies.includes(policy)) return []
  const close = nearest(policy, policies)
  const hint = close === undefined ? '' : `; did you mean "${close}"?`
  return [{ path: [...path, 'policy'], message: `there is no policy of this name under \`policies\`${hint}` }]
}
