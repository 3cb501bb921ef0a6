/**
 * What is wrong with the policies of a whole configuration, in the form that config/ places in the file.
 *
 * @module
 */
import type { Config, Mistake } from '../../config/config.ts'
import { sharedProblems } from '../../policy/compile.ts'
import { contextOf, verdictOf } from '../../policy/compiled-policies.ts'

/** @param told global keys of which a mistake is told already */
export function policyMistakes(config: Config, told: ReadonlySet<string> = new Set()): readonly Mistake[] {
  const shared = sharedProblems(contextOf(config)).map(({ path, message }) => ({ path, message }))
  const own = config.routes.flatMap((route, index) => {
    const { readsSubject, problems } = verdictOf(config, route)
    if (problems.length === 0) return readsSubject ? whoCannotSignIn(config, index, told) : []
    return problems
      .filter(({ isShared }) => isShared !== true)
      .map(({ path, message }) => ({ path: ['routes', index, ...path], message }))
  })
  return [...shared, ...own]
}

/** A policy that asks who somebody is, where nobody can tell. */
function whoCannotSignIn(
  { settings, routes }: Config,
  index: number,
  told: ReadonlySet<string>,
): readonly Mistake[] {
  // Where workloads show tokens of their own, people need not come at all.
  if ((routes[index]?.bearer_token_format ?? settings.bearer_token_format) === 'jwt') return []
  const missing = [
    ...(settings.authenticate_service_url === undefined && !told.has('authenticate_service_url')
      ? ['authenticate_service_url']
      : []),
    // One that is only half there is told at its own keys.
    ...(settings.sign_in_providers.length === 0 &&
    settings.idp_provider === undefined &&
    !told.has('idp_provider') &&
    !told.has('sign_in_providers')
      ? ['idp_provider']
      : []),
  ]
  if (missing.length === 0) return []
  const keys = missing.map((key) => `\`${key}\``).join(' and ')
  return [
    {
      path: ['routes', index],
      message: `needs people to sign in, and ${keys} ${missing.length === 1 ? 'is' : 'are'} not set`,
    },
  ]
}
