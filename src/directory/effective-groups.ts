/**
 * What groups somebody has, given what their claims and the directory sources say. Pure.
 *
 * Unknown is not none: what one source that ought to know can't tell makes the whole unknown. What another
 * source or the token vouches for is certain all the same, and told apart: there may be more, but not less.
 *
 * @module
 */
import { flatClaim, readClaim } from '../flat-claims.ts'
import { mailKey } from '../mail-address.ts'
import { type Found, MAX_GROUPS, type Roster } from './roster.ts'

/** Of a session, what a directory may look at. */
export interface Member {
  /** Unset: a person. */
  readonly kind?: 'user' | 'service-account' | 'workload' | undefined
  readonly idpId: string
  readonly userId: string
  /** Only one that the identity provider vouches for. */
  readonly email: string | undefined
  readonly claims: Readonly<Record<string, readonly string[]>>
  /** When the person signed in or the token was issued, in epoch milliseconds; 0 where nobody tells. */
  readonly issuedAt: number
  readonly groups: readonly string[] | 'unknown'
  /** Where `groups` is unknown: those that are certain all the same. */
  readonly knownGroups?: readonly string[] | undefined
}

/** One source, as it stands. */
export interface Source {
  readonly matchBy: string
  readonly tellsNames: boolean
  /** `unknown`: never read, or read too long ago. */
  readonly roster: Roster | 'unknown'
  /**
   * Where `roster` is unknown: what it said when it was heard last. It tells who had left, and nothing else.
   */
  readonly lastHeard?: Roster | undefined
  /**
   * Lists of before this source was of its type: whom they deactivated stays so until the source names them.
   */
  readonly stillOff?: readonly Roster[] | undefined
}

export type Groups = Pick<Member, 'groups' | 'knownGroups'>

export interface Standing extends Groups {
  /** Whether a source says that this person has left or is locked out. */
  readonly isDeactivated: boolean
}

interface Rules {
  /** Whether groups of claims are groups. */
  readonly countsClaims: boolean
  /** Whether a source, of whatever provider, has a group with that id. */
  readonly isGroupId: (text: string) => boolean | 'unknown'
}

/** @param sources those that are for the provider of the member */
export function standingOf(
  member: Member,
  sources: readonly Source[],
  { countsClaims, isGroupId }: Rules,
): Standing {
  const ids = new Set<string>()
  const names = new Set<string>()
  let isUnknown = false
  let isKnownPerson = false
  let isDeactivated = false
  for (const source of sources) {
    const { roster, lastHeard } = source
    if (roster === 'unknown' && lastHeard !== undefined)
      isDeactivated ||= hasLeft(member, lookUp(member, source.matchBy, lastHeard))
    const found = roster === 'unknown' ? 'ambiguous' : lookUp(member, source.matchBy, roster)
    if (found === undefined || roster === 'unknown') {
      isDeactivated ||= (source.stillOff ?? []).some((before) =>
        hasLeft(member, lookUp(member, source.matchBy, before)),
      )
      isUnknown ||= roster === 'unknown'
      continue
    }
    isDeactivated ||= hasLeft(member, found)
    if (typeof found === 'string') {
      isUnknown = true
      continue
    }
    if (found.leftAt !== undefined) continue
    if (found.groups === 'unknown') {
      isUnknown = true
      continue
    }
    isKnownPerson = true
    for (const group of found.groups) {
      ids.add(group.externalId ?? group.id)
      const name = source.tellsNames ? roster.nameOf(group) : undefined
      // Who may name a group could otherwise name it as a group that opens more.
      if (name !== undefined && isGroupId(name) === false) names.add(name)
    }
  }
  // Those of a service account are an operator's word, not a provider's.
  const claimed = countsClaims || member.kind === 'service-account' ? member.groups : []
  // More groups than the token holds: a source that knows the person knows them.
  const all = [...new Set([...(claimed === 'unknown' ? [] : claimed), ...ids, ...names])]
  if (all.length > MAX_GROUPS) return { groups: 'unknown', isDeactivated }
  if (!isUnknown && (claimed !== 'unknown' || isKnownPerson)) return { groups: all, isDeactivated }
  return { groups: 'unknown', ...(all.length > 0 && { knownGroups: all }), isDeactivated }
}

/** Whoever signs in after they were removed does so as somebody whom the source does not know. */
function hasLeft({ issuedAt }: Member, found: Found): boolean {
  if (found === undefined || typeof found === 'string') return found === 'perhaps off'
  return found.leftAt === undefined ? !found.isActive : issuedAt <= found.leftAt
}

/** Claims that bear the addresses of people, whichever of them counts. */
const ADDRESS_CLAIMS = ['email', 'emails', 'mail', 'upn', 'preferred_username', 'unique_name']

/**
 * Who has an address that can't be relied on may be somebody of the source: they leave their groups by it,
 * and are off where somebody of that address is. One that can't be read at all may be anybody's.
 */
function withoutAddress(member: Member, roster: Roster): Found {
  const { kind = 'user', userId, claims, issuedAt } = member
  if (kind !== 'user') return undefined
  const given = readClaim(claims, 'email')
  if (given === 'unknown') return roster.mayBeOff(issuedAt) ? 'perhaps off' : 'ambiguous'
  const addresses = ADDRESS_CLAIMS.flatMap((name) => flatClaim(claims, name) ?? [])
  const ids = [userId, ...addresses].filter((id) => id !== '')
  const found = [
    ...addresses.map((address) => roster.findByEmail(address, issuedAt)),
    ...ids.map((id) => roster.findById(id, issuedAt)),
  ]
  const isGiven = given?.some((address) => address !== '') === true
  return isGiven || found.some((each) => hasLeft(member, each)) ? inDoubt(member, found) : undefined
}

/**
 * It can't be told which of them somebody is, nor whether it is any: that gives nothing, and may shut them
 * out.
 */
function inDoubt(member: Member, found: readonly Found[]): Found {
  return found.some((each) => hasLeft(member, each)) ? 'perhaps off' : 'ambiguous'
}

const CLAIM = 'claim/'

function lookUp(member: Member, matchBy: string, roster: Roster): Found {
  if (matchBy === 'email') return byAddress(member, roster)
  if (matchBy === 'user_id')
    return member.userId === '' ? undefined : roster.findById(member.userId, member.issuedAt)
  const values = readClaim(member.claims, matchBy.slice(CLAIM.length)) ?? []
  if (values === 'unknown') return roster.mayBeOff(member.issuedAt) ? 'perhaps off' : 'ambiguous'
  const [found, ...others] = values
    .filter((value) => value !== '')
    .map((value) => roster.findById(value, member.issuedAt))
  return others.length > 0 ? inDoubt(member, [found, ...others]) : found
}

function byAddress(member: Member, roster: Roster): Found {
  const { email, issuedAt } = member
  if (email === undefined) return withoutAddress(member, roster)
  const found = roster.findByEmail(email, issuedAt)
  return found === undefined || mailKey(email).isSure ? found : inDoubt(member, [found])
}
