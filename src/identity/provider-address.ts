/**
 * The address of a provider: what id it gives it, and whether tokens may go there.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { SignInProvider } from '../config/config.ts'
import { Fault } from '../errors.ts'
import { isLoopback } from '../loopback.ts'

/** Stable over restarts and changes of the secret. */
export function identityProviderId(issuer: string, clientId: string): string {
  const content = `${issuer.replace(/\/$/, '')}\n${clientId}`
  return createHash('sha256').update(content).digest('base64url').slice(0, 22)
}

/**
 * The configuration is held to it as well; here it is where the tokens go. @throws {Fault} IDP_NOT_CONFIGURED
 */
export function assertSafe({ provider_url: issuer, allow_insecure_http: mayBePlain }: SignInProvider): void {
  const { protocol, hostname } = new URL(issuer)
  if (protocol !== 'https:' && mayBePlain !== true && !isLoopback(hostname))
    throw new Fault('IDP_NOT_CONFIGURED', `idp_provider_url ${issuer} must be https: tokens go over it`)
}

/** Whom the HTTP client of a provider may ask without TLS: that very host, where its operator says so. */
export function plainHttpOf({ provider_url: issuer, allow_insecure_http: mayBePlain }: SignInProvider): {
  readonly plainHttpTo?: string
} {
  return mayBePlain === true ? { plainHttpTo: new URL(issuer).hostname } : {}
}
