/**
 * Which certificates Envoy serves: the operator's, and those of the local CA for hosts that none of them
 * speaks for.
 *
 * @module
 */
import { isIP } from 'node:net'
import type { Config, TlsCertificate } from '../../config/config.ts'
import { servedNames } from '../../config/routing/served-names.ts'
import { Secret } from '../../config/values/secret.ts'
import { uncovering } from '../../crypto/x509/certificate-coverage.ts'
import type { LocalCa } from '../../crypto/x509/local-ca.ts'
import { each, inTurns, type Work } from '../../turns.ts'

/**
 * Hosts of one parent domain from which on a wildcard speaks for them: another such host then changes
 * nothing.
 */
const WILDCARD_FROM = 20

/**
 * Names in one certificate from which on they are spread over several: many clients take no more than 100 KB.
 */
const SPREAD_FROM = 250
const SHARES = 16

/** The operator's certificates, and those of the local CA for the hosts that none of them speaks for. */
export async function certificatesFor(config: Config, localCa: LocalCa): Promise<readonly TlsCertificate[]> {
  const { certificates } = config.settings
  const uncovered = await inTurns(
    uncovering(
      servedNames(config),
      certificates.map(({ cert }) => cert),
    ),
  )
  if (uncovered.length === 0 && certificates.length > 0) return certificates
  const wildcard = uncovered.some((name) => name.endsWith('.localhost')) ? ['*.localhost'] : []
  const names =
    uncovered.length > 0 ? [...wildcard, ...(await inTurns(inWildcards(uncovered)))] : ['localhost']
  const issued = []
  for (const share of spread(names)) issued.push(await localCa.issue(share))
  return [...certificates, ...issued.map(({ cert, key }) => ({ cert, key: Secret.of(key) }))]
}

/** User agents take no wildcard for a top-level domain, so those names stay as they are. */
function* inWildcards(names: readonly string[]): Work<readonly string[]> {
  const byParent = new Map<string, string[]>()
  yield* each(names, (name) => {
    const parent = name.slice(name.indexOf('.') + 1)
    const hosts = byParent.get(parent)
    if (hosts === undefined) byParent.set(parent, [name])
    else hosts.push(name)
  })
  const found: string[] = []
  yield* each(byParent, ([parent, hosts]) => {
    const isListed = hosts.length < WILDCARD_FROM || isIP(hosts[0] ?? '') !== 0 || !parent.includes('.')
    for (const name of isListed ? hosts : [`*.${parent}`]) found.push(name)
  })
  return found
}

function spread(names: readonly string[]): Iterable<readonly string[]> {
  if (names.length < SPREAD_FROM) return [names]
  return [...Map.groupBy(names, shareOf)].toSorted(([one], [other]) => one - other).map(([, share]) => share)
}

/**
 * By the name alone, so that a new one changes one certificate. A digest would hold the thread for thousands.
 */
function shareOf(name: string): number {
  let sum = 0
  for (let at = 0; at < name.length; at += 1) sum = (sum * 31 + name.charCodeAt(at)) % 65_521
  return sum % SHARES
}
