/**
 * The name of a token issuer and where its keys come from: an address, its discovery document, or the cluster
 * we run in.
 *
 * @module
 */
import { decodeJwt, type JWTVerifyGetKey } from 'jose'
import { IN_CLUSTER, type MachineIssuer } from '../../../config/keys/credentials/machine-issuers.ts'
import { createKeySet } from '../../../identity/openid/key-set.ts'
import { isLoopback } from '../../../loopback.ts'
import { type HttpClient, HttpFailure } from '../../../outbound/http-client.ts'
import { getJson, memberOf } from '../../../outbound/json-answer.ts'
import type { Cluster } from './cluster.ts'

export interface IssuerKeys {
  /** `iss` of its tokens; `undefined` when it is not known, or with SPIFFE not said. */
  issuer(): string | undefined
  readonly find: JWTVerifyGetKey
}

export interface IssuerKeysOptions {
  readonly http: HttpClient
  readonly cluster: Cluster
  readonly now: () => number
}

export function openIssuerKeys(source: MachineIssuer, { http, cluster, now }: IssuerKeysOptions): IssuerKeys {
  const { issuer, jwksUrl, trustDomain } = source
  if (issuer === IN_CLUSTER)
    return {
      issuer: () => issuerOf(cluster.token()),
      find: createKeySet({ load: () => cluster.keys(), now }),
    }
  const load = async () => {
    const keys = await getJson(http, jwksUrl ?? (await discoverKeys(http, issuer ?? '')))
    return trustDomain === undefined ? keys : jwtKeysOf(keys)
  }
  return { issuer: () => issuer, find: createKeySet({ load, now }) }
}

/** @see OpenID Connect Discovery section 4 */
async function discoverKeys(http: HttpClient, issuer: string): Promise<string> {
  const metadata = await getJson(http, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const named = memberOf(metadata, 'issuer')
  if (named !== issuer)
    throw new HttpFailure(`${issuer}: its metadata calls it "${String(named).slice(0, 200)}"`)
  const address = memberOf(metadata, 'jwks_uri')
  const url = typeof address === 'string' ? URL.parse(address) : null
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (url === null || !isSafe) throw new HttpFailure(`${issuer}: its metadata names no https jwks_uri`)
  return url.href
}

/**
 * The keys of a trust bundle that sign JWT-SVIDs; it holds others for X.509.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Trust_Domain_and_Bundle.md section 4.2.2
 */
function jwtKeysOf(bundle: unknown): unknown {
  const keys = memberOf(bundle, 'keys')
  if (!Array.isArray(keys)) return bundle
  return {
    keys: keys.flatMap((key: unknown) => {
      const use = memberOf(key, 'use')
      if (typeof key !== 'object' || key === null || (use !== 'jwt-svid' && use !== undefined)) return []
      const { use: _, ...rest } = { use, ...key }
      return [rest]
    }),
  }
}

function issuerOf(token: string | undefined): string | undefined {
  try {
    return token === undefined ? undefined : decodeJwt(token).iss
  } catch {
    return undefined
  }
}
