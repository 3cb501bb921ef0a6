/**
 * At which identity provider: the one that the address names, or the one that the person chooses among
 * several.
 */
import { CHOOSE_PARAMETER, IDP_ID_PARAMETER } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import { providerPage } from '../pages/provider-page.ts'
import { type Answer, required, type Visit } from '../visit.ts'

/**
 * The address is signed by whoever knows the route; what has been taken out of the configuration since is
 * passed over.
 */
export function readProviders({ request, services, found }: Visit): Answer | undefined {
  const ids = request.query.get(IDP_ID_PARAMETER) ?? ''
  found.providers = ids
    .split(',')
    .map((id) => services.provider(id))
    .filter((provider) => provider !== undefined)
  if (found.providers.length === 0)
    throw new Fault('IDP_NOT_CONFIGURED', `no provider has the id ${JSON.stringify(ids.slice(0, 64))}`)
  return undefined
}

/** Whoever has to show again who they are does so where they did it first; everybody else is asked. */
export function chooseProvider(visit: Visit): Answer | undefined {
  const { found, request } = visit
  const providers = required(visit, 'providers')
  const current = providers.find(({ id }) => id === found.session?.idpId)
  if (current !== undefined && !request.query.has(CHOOSE_PARAMETER)) found.providers = [current]
  return found.providers?.length === 1 ? undefined : providerPage(visit, providers)
}
