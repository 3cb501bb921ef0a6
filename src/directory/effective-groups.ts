/**
 * What groups somebody has, given what their claims and the directory sources say. Pure.
 *
 * Unknown is not none: what one source that ought to know can't tell makes the whole unknown. What another source or
 * the token vouches for is certain all the same, and told apart: there may be more, but not less.
 *
 * @module
 */
import { flatClaim } from '../flat-claims.ts'
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
  /** Where `roster` is unknown: what it said when it was heard last. It tells who had left, and nothing else. */
  readonly lastHeard?: Roster | undefined
  /** Lists of before this source was of its type: whom they switched off stays so until the source names them. */
  readonly stillOff?: readonly Roster[] | undefined
}

export type Groups = Pick<Member, 'groups' | 'knownGroups'>

export interface Standing extends Groups {
  /** Whether a source says that this person has left or is locked out. */
  readonly isSwitchedOff: boolean
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
  let isSwitchedOff = false
  for (const source of sources) {
    const { roster, lastHeard } = source
    if (roster === 'unknown' && lastHeard !== undefined)
      isSwitchedOff ||= hasLeft(member, lookUp(member, source.matchBy, lastHeard))
    const found = roster === 'unknown' ? 'ambiguous' : lookUp(member, source.matchBy, roster)
    if (found === undefined || roster === 'unknown') {
      isSwitchedOff ||= (source.stillOff ?? []).some((before) =>
        hasLeft(member, lookUp(member, source.matchBy, before)),
      )
      isUnknown ||= roster === 'unknown'
      continue
    }
    if (found === 'ambiguous') {
      isUnknown = true
      continue
    }
    isSwitchedOff ||= hasLeft(member, found)
    if (found.leftAt !== undefined) continue
    if (found.groups === 'unknown') {
      isUnknown = true
      continue
    }
    isKnownPerson = true
    for (const group of found.groups) {
      ids.add(group.toldId ?? group.id)
      const name = source.tellsNames ? roster.nameOf(group) : undefined
      // Who may name a group could otherwise name it as a group that opens more.
      if (name !== undefined && isGroupId(name) === false) names.add(name)
    }
  }
  // Those of a service account are an operator's word, not a provider's.
  const claimed = countsClaims || member.kind === 'service-account' ? member.groups : []
  // More groups than the token holds: a source that knows the person knows them.
  const all = [...new Set([...(claimed === 'unknown' ? [] : claimed), ...ids, ...names])]
  if (all.length > MAX_GROUPS) return { groups: 'unknown', isSwitchedOff }
  if (!isUnknown && (claimed !== 'unknown' || isKnownPerson)) return { groups: all, isSwitchedOff }
  return { groups: 'unknown', ...(all.length > 0 && { knownGroups: all }), isSwitchedOff }
}

/** Whoever signs in after they were removed does so as somebody whom the source does not know. */
function hasLeft({ issuedAt }: Member, found: Found): boolean {
  if (found === undefined || found === 'ambiguous') return false
  return found.leftAt === undefined ? !found.isActive : issuedAt <= found.leftAt
}

/** Who has an address that can't be relied on may be somebody of the source, and would leave their groups by it. */
function withoutAddress({ kind = 'user', claims }: Member): Found {
  const [given = ''] = flatClaim(claims, 'email') ?? []
  return kind === 'user' && given !== '' ? 'ambiguous' : undefined
}

const CLAIM = 'claim/'

function lookUp(member: Member, matchBy: string, roster: Roster): Found {
  if (matchBy === 'email')
    return member.email === undefined ? withoutAddress(member) : roster.findByEmail(member.email)
  if (matchBy === 'user_id') return member.userId === '' ? undefined : roster.findById(member.userId)
  const name = matchBy.slice(CLAIM.length)
  const values = flatClaim(member.claims, name) ?? []
  const [value = '', ...others] = values
  if (others.length > 0) return 'ambiguous'
  return value === '' ? undefined : roster.findById(value)
}
