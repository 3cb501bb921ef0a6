/**
 * What must hold between `downstream_mtls`, the client authorities of routes and the listener.
 *
 * @module
 */

import type { ConfigPath, DownstreamMtls, Mistake, Settings } from '../../config.ts'
import { given, mistake, type RawKeys } from '../rule.ts'
import type { PlacedRoute } from '../rules.ts'
import { authoritiesOf, revocationListsOf } from './client-certificates.ts'

const NO_TLS =
  'needs TLS, but `insecure_server: true` serves plain HTTP: what ends TLS in front must ask for certificates'

/** Where only routes name authorities, `downstream_mtls` may be left out. */
export function mtlsOf(settings: Settings, routes: readonly PlacedRoute[]): DownstreamMtls | undefined {
  const isNeeded = routes.some(({ route }) => route.tls_downstream_client_ca !== undefined)
  return settings.downstream_mtls ?? (isNeeded ? DEFAULT_MTLS : undefined)
}

const DEFAULT_MTLS: DownstreamMtls = {
  ca: undefined,
  crl: undefined,
  enforcement: 'policy_with_default_deny',
  match_subject_alt_names: [],
  max_verify_depth: 1,
}

export function clientCertificateMistakes(
  routes: readonly PlacedRoute[],
  settings: Settings,
  raw: RawKeys,
): Mistake[] {
  const mtls = settings.downstream_mtls
  const own = routes.filter(({ route }) => route.tls_downstream_client_ca !== undefined)
  if (mtls === undefined && own.length === 0) return []
  const written = raw['downstream_mtls']
  const keys: RawKeys = typeof written === 'object' && written !== null ? { ...written } : {}
  const hasAuthority = given(keys, ['ca', 'ca_file']).length > 0 || own.length > 0
  const [listKey] = given(keys, ['crl', 'crl_file'])
  const at = listKey === undefined ? undefined : ['downstream_mtls', listKey]
  const found: Mistake[] = []
  if (settings.insecure_server) {
    if (written !== undefined) found.push(mistake(['downstream_mtls'], NO_TLS))
    for (const { path } of own) found.push(mistake(path, `\`tls_downstream_client_ca\` ${NO_TLS}`))
  }
  if (!hasAuthority && at !== undefined) found.push(mistake(at, 'needs `ca` or `ca_file` beside it'))
  else if (!hasAuthority)
    found.push(
      mistake(
        ['downstream_mtls'],
        'needs `ca` or `ca_file`: it does not say whose certificates are accepted',
      ),
    )
  return at === undefined ? found : [...found, ...listMistakes(settings, own, at)]
}

function listMistakes(settings: Settings, own: readonly PlacedRoute[], at: ConfigPath): readonly Mistake[] {
  const mtls = settings.downstream_mtls
  const pems = [mtls?.ca, ...own.map(({ route }) => route.tls_downstream_client_ca)]
  const authorities = [...new Set(pems.filter((pem) => pem !== undefined))].flatMap(authoritiesOf)
  // what could not be read was told already
  if (authorities.length === 0) return []
  const lists = revocationListsOf(settings)
  const foreign = lists.flatMap((list, index) => {
    if (authorities.some((authority) => list.isSignedBy(authority))) return []
    const name = lists.length === 1 ? 'the revocation list' : `list ${index + 1} of ${lists.length}`
    return [{ path: at, message: `${name} is not signed by any of the client authorities` }]
  })
  if (mtls?.enforcement !== 'reject_connection' || lists.length === 0) return foreign
  const lacking = authorities.find((authority) => !lists.some((list) => list.isSignedBy(authority)))
  if (lacking === undefined) return foreign
  const name = lacking.subject.replaceAll('\n', ', ')
  const message = `holds no list of "${name}": with \`reject_connection\` Envoy wants one of each authority`
  return [...foreign, { path: at, message }]
}
