/**
 * Who `1234` is, where several identity providers may each have somebody of that id. Pure.
 *
 * In full somebody is called `<provider>/<id>`, and machines as they always are: `service-account/<name>` and
 * `<issuer>/<subject>`. A policy may leave out the provider of the plain `idp_…` keys, or the only one.
 *
 * @module
 */
import type { Identified } from '../decision.ts'

export interface UserNames {
  /** Names of the sign-in providers. */
  readonly providers: readonly string[]
  /** The provider of ids that name none; `undefined` where that could be any of several. */
  readonly own: string | undefined
  /** What the ids of machines begin with, before the slash. */
  readonly machines: readonly string[]
}

/** The provider of the plain keys of a configuration. */
const DEFAULT_PROVIDER = 'default'
const SERVICE_ACCOUNT = 'service-account'

/** @param issuers of the tokens of workloads */
export function userNames(providers: readonly string[], issuers: readonly string[]): UserNames {
  const [first = DEFAULT_PROVIDER, ...others] = providers
  const own =
    others.length === 0 ? first : providers.includes(DEFAULT_PROVIDER) ? DEFAULT_PROVIDER : undefined
  return { providers, own, machines: [SERVICE_ACCOUNT, ...issuers] }
}

/** Whether a text of a policy says whose id it is. */
export function isFullId(text: string, { providers, machines }: UserNames): boolean {
  const [before = '', ...after] = text.split('/')
  return after.length > 0 && (providers.includes(before) || machines.includes(before))
}

/** @param of the provider of an id that names none */
export function fullText(text: string, names: UserNames, of: string | undefined): string {
  return isFullId(text, names) ? text : `${of ?? ''}/${text}`
}

/** An id of a person never counts as full, whatever it looks like: it is the provider's word. */
export function fullId(someone: Identified, names: UserNames): string {
  const { kind, userId } = someone
  if (kind === 'user') return `${providerOf(someone, names) ?? ''}/${userId}`
  return fullText(userId, names, names.own)
}

/** Somebody whom a test or a log does not place is of the provider that ids without one are of. */
export function providerOf({ kind, provider }: Identified, { own }: UserNames): string | undefined {
  return kind === 'user' ? (provider ?? own) : own
}
