/**
 * What a provider says of a person: the ID token, userinfo over it, and groups that are elsewhere.
 *
 * @module
 */
import type { SignInProvider } from '../../config/config.ts'
import { Fault } from '../../errors.ts'
import { type RawClaims, unreadMark } from '../../flat-claims.ts'
import { type HttpClient, HttpFailure } from '../../outbound/http-client.ts'
import { areGroupsElsewhere, claimsOver, type Profile, profileOf } from '../claims.ts'
import { watchClaims } from '../claims-seen.ts'
import { groupsClaimsOf } from '../groups-claims.ts'
import { presetOf } from '../presets/table.ts'
import type { Identity } from '../provider.ts'
import type { Asking, ProviderLogger } from './asking.ts'
import type { DiscoveredProvider } from './discovery.ts'
import { groupsAtGraph } from './microsoft-graph.ts'
import { toProviderFault } from './provider-faults.ts'
import { askUserInfo, hasUserInfo } from './user-info.ts'

/** What the provider says of somebody, and why it does not say all of it. */
export interface ClaimsSaid {
  readonly raw: RawClaims
  readonly trouble?: Fault
}

export interface PersonReader {
  userIdOf(claims: RawClaims & { readonly sub: string }): string
  /**
   * ID token claims with userinfo over them: many providers put into either what they leave out of the other.
   *
   * Who somebody is the ID token says. Where userinfo does not tell, as for an access token that is meant for
   * another API, the rest of what it would say is not known.
   *
   * @throws {Fault} IDP_ANSWER_INVALID when it is about somebody else
   */
  userInfoOver(
    provider: DiscoveredProvider,
    accessToken: string,
    idTokenClaims: RawClaims,
    sub: string,
  ): Promise<ClaimsSaid>
  /** @param known groups that a passing trouble must not make unknown */
  profileFrom(
    provider: DiscoveredProvider,
    accessToken: string | undefined,
    said: ClaimsSaid,
    known?: Identity['groups'],
  ): Promise<Profile & Pick<Identity, 'withoutUserInfo'>>
}

export interface PersonReaderOptions {
  readonly client: SignInProvider
  readonly http: HttpClient
  readonly asked: Asking
  readonly now: () => number
  readonly logger?: ProviderLogger | undefined
  /** Claims that the configuration in force copies to upstreams. */
  readonly copiedClaims?: (() => readonly string[]) | undefined
}

export function createPersonReader(options: PersonReaderOptions): PersonReader {
  const { client, http, asked, now, logger } = options
  const { provider_url: issuer, client_id: clientId } = client
  const preset = presetOf(client.provider)
  const groupsClaims = groupsClaimsOf(client)
  const seen = watchClaims({ client, logger, copied: options.copiedClaims })

  async function userInfoOver(
    provider: DiscoveredProvider,
    accessToken: string,
    idTokenClaims: RawClaims,
    sub: string,
  ): Promise<ClaimsSaid> {
    if (!hasUserInfo(provider)) return { raw: idTokenClaims }
    let userInfo: RawClaims
    try {
      userInfo = await askUserInfo({ provider, clientId, accessToken, now })
    } catch (error) {
      const fault = toProviderFault(error, 'userinfo', issuer, now())
      if (!(fault instanceof Fault)) throw fault
      asked.noteUserInfo(fault)
      return { raw: idTokenClaims, trouble: fault }
    }
    if (userInfo['sub'] !== sub)
      throw new Fault(
        'IDP_ANSWER_INVALID',
        `${issuer}, userinfo: it is about another person than the ID token`,
      )
    asked.noteUserInfo(undefined)
    return { raw: claimsOver(idTokenClaims, userInfo) }
  }

  async function profileFrom(
    { configuration }: DiscoveredProvider,
    accessToken: string | undefined,
    { raw, trouble }: ClaimsSaid,
    known: Identity['groups'] = 'unknown',
  ): Promise<Profile & Pick<Identity, 'withoutUserInfo'>> {
    const claims = preset.amend?.(raw, configuration.serverMetadata()) ?? raw
    seen.note(claims)
    // An address of a tenant that may be anybody's is one under whatever name.
    const isForeign = preset.hasTenants === true && claims !== raw
    const emailClaim = isForeign ? undefined : client.email_claim
    // Microsoft's userinfo never tells groups.
    const isWhole = trouble === undefined || preset.hasGraph === true
    const plain = profileOf(claims, { groups: groupsClaims, email: emailClaim }, isWhole)
    const profile =
      trouble === undefined
        ? plain
        : { ...plain, claims: { ...plain.claims, ...unreadMark('') }, withoutUserInfo: true as const }
    if (profile.groups !== 'unknown' || preset.hasGraph !== true || !areGroupsElsewhere(claims))
      return profile
    if (accessToken === undefined) return profile
    const groups = await graphGroups(accessToken, known)
    return groups === 'unknown' ? profile : { ...profile, groups, claims: { ...profile.claims, groups } }
  }

  async function graphGroups(accessToken: string, known: Identity['groups']): Promise<Identity['groups']> {
    try {
      return await groupsAtGraph({ http, accessToken, ...client })
    } catch (error) {
      const why = error instanceof Error ? error.message : ''
      logger?.warn(
        { issuer, err: why },
        'groups are too many for a token, and Microsoft Graph does not tell them',
      )
      return error instanceof HttpFailure ? known : 'unknown'
    }
  }

  return { userIdOf: (claims) => preset.userId?.(claims) ?? claims.sub, userInfoOver, profileFrom }
}

/**
 * Of somebody for whom userinfo has answered before, a refusal ends the session; all else passes by itself.
 *
 * @throws {Fault} IDP_REFUSED, IDP_UNREACHABLE
 */
export function assertStillSaid({ trouble }: ClaimsSaid, { withoutUserInfo }: Identity): void {
  if (trouble === undefined || withoutUserInfo === true) return
  throw trouble.code === 'IDP_REFUSED' ? trouble : new Fault('IDP_UNREACHABLE', trouble.message)
}
