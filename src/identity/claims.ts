/**
 * What a provider says of somebody, brought into the form that policies read. Pure.
 *
 * @module
 */
import {
  claimNames,
  elsewhereIn,
  flatClaim,
  flattenClaims,
  isGiven,
  isObject,
  isWithin,
  MAX_VALUES,
  type RawClaims,
  unreadMark,
  valuesIn,
} from '../flat-claims.ts'
import { mailKey } from '../mail-address.ts'

export interface Profile {
  readonly email: string | undefined
  readonly name: string | undefined
  readonly claims: Readonly<Record<string, readonly string[]>>
  readonly groups: readonly string[] | 'unknown'
}

export const MAX_GROUPS = MAX_VALUES

/** Which claims mean what. */
export interface ClaimNames {
  /**
   * Claims, or paths into them, that may hold the groups; the first that is there counts. Unset: `groups`.
   */
  readonly groups?: readonly string[] | undefined
  /** The claim that holds the address, or a path to it. Unset: `email`. */
  readonly email?: string | undefined
}

/**
 * @param raw ID token claims with those of userinfo over them
 * @param isWhole false where a part of what the provider says could not be had: no groups are unknown groups
 * then
 */
export function profileOf(
  raw: RawClaims,
  { groups: groupsClaims = ['groups'], email: emailClaim }: ClaimNames = {},
  isWhole = true,
): Profile {
  const held = groupsClaims.map((name) => claimAt(raw, name)).find(isGiven)
  const groups = areElsewhere(raw, groupsClaims)
    ? 'unknown'
    : isGiven(held)
      ? groupsIn(held)
      : areGroupsElsewhere(raw) || !isWhole
        ? 'unknown'
        : []
  const claims = flattenClaims(raw)
  const known = { email: emailOf(raw, emailClaim), name: textOf(raw['name']), groups }
  if (groups !== 'unknown') return { ...known, claims }
  // Half a list would be as wrong as none: who asks for `claim/groups` must not find what `groups` calls
  // unknown.
  for (const name of ['groups', ...groupsClaims].flatMap(claimNames)) delete claims[name]
  const marks = ['groups', ...groupsClaims].map((name) => unreadMark(name))
  return { ...known, claims: Object.assign({}, ...marks, claims) }
}

/**
 * One document of the provider over another, such as userinfo over the ID token. Whether an address is
 * verified is told of the address in the same document: the word of one makes no address good that only the
 * other has.
 *
 * Null over a value is unclear: to some it is an empty list, to others "as before". So what it lists is
 * unknown.
 */
export function claimsOver(below: RawClaims, above: RawClaims): RawClaims {
  const both: Record<string, unknown> = { ...below, ...above }
  for (const [name, value] of Object.entries(above))
    if (!isGiven(value) && name !== FLAG && isGiven(below[name]) && valuesIn(below[name]).length > 0)
      both[name] = UNCLEAR
  const [lower, upper] = [below, above].map(({ email }) => textOf(email))
  const flagged = [below, above].filter((each) => Object.hasOwn(each, FLAG))
  if (flagged.length === 0) return both
  const isSame = lower !== undefined && upper !== undefined && isSameAddress(lower, upper)
  const speaking = flagged.filter((each) => isSame || each === (upper === undefined ? below : above))
  const mute = flagged.filter((each) => !speaking.includes(each))
  const isGood = speaking.length > 0 && isVerified(speaking.at(-1) ?? {})
  // A bad word counts, wherever it stands; a good one about nothing does not.
  const isSpoilt = upper === undefined && mute.some((each) => !isVerified(each))
  return { ...both, [FLAG]: isGood && !isSpoilt }
}

const FLAG = 'email_verified'
/** In a form that nothing reads. */
const UNCLEAR = [null]

/**
 * Whether the list of one of these claims is kept elsewhere, whatever of it is here: more than goes into a
 * token.
 */
function areElsewhere(raw: RawClaims, groupsClaims: readonly string[]): boolean {
  const isCut = groupsClaims.includes('groups') && hasUntoldGroups(raw)
  return isCut || elsewhereIn(raw).some((outer) => groupsClaims.some((name) => isWithin(name, outer)))
}

/** When the provider only says that there are groups: more than it puts into a token. */
export function areGroupsElsewhere(raw: RawClaims): boolean {
  return hasUntoldGroups(raw) || elsewhereIn(raw).some((outer) => isWithin('groups', outer))
}

function hasUntoldGroups({ hasgroups: said }: RawClaims): boolean {
  return isGiven(said) && !/^(?:false)?$/i.test(String(said))
}

/** A claim by its very name, or by a path into nested ones, with slashes or with dots between the steps. */
export function claimAt(raw: RawClaims, name: string): unknown {
  if (Object.hasOwn(raw, name)) return raw[name]
  for (const between of ['/', '.', /[/.]/]) {
    const found = valueAt(raw, name.split(between))
    if (isGiven(found)) return found
  }
  return undefined
}

function valueAt(raw: RawClaims, steps: readonly string[]): unknown {
  let at: unknown = raw
  for (const step of steps) at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined
  return at
}

/**
 * Flattened claims in which nested ones stand under the names by which a configuration asks for them as well.
 */
export function withNested(
  claims: Readonly<Record<string, readonly string[]>>,
  names: readonly string[],
): Readonly<Record<string, readonly string[]>> {
  const nested = names.filter((name) => !Object.hasOwn(claims, name))
  if (nested.length === 0) return claims
  const found = nested.flatMap((name) => {
    const values = flatClaim(claims, name)
    return values === undefined ? [] : [[name, values] as const]
  })
  return { ...claims, ...Object.fromEntries(found) }
}

/**
 * A list of names or of ids, a single name, or a map of roles as Zitadel has it: each with the organizations
 * that grant it. `unknown` in a form that we can't read, or when there are too many.
 */
function groupsIn(value: unknown): readonly string[] | 'unknown' {
  const list: unknown = isRoleMap(value) ? Object.keys(value) : value
  // A number alone, or a truth value, says something of groups and is none.
  const isName = (each: unknown) =>
    typeof each === 'string' || (Array.isArray(list) && Number.isInteger(each))
  const names = [list].flat().every(isName) ? valuesIn(list) : 'unknown'
  return names === 'unknown' ? names : [...new Set(names)].filter((name) => name !== '')
}

/** A role with nothing behind it, or with `false`, may be one that is not granted. */
function isRoleMap(value: unknown): value is Record<string, unknown> {
  return (
    isObject(value) &&
    Object.values(value).every((grants) => isObject(grants) && Object.keys(grants).length > 0)
  )
}

/**
 * The email address, unless the provider says that it is not verified: anybody could have typed somebody
 * else's.
 *
 * Providers that say nothing of it are believed. Where accounts are made by administrators and the flag is
 * just not set (Keycloak's default), set it there. Of a claim that an operator has named the flag says
 * nothing, unless it is the same address.
 */
function emailOf(raw: RawClaims, claim: string | undefined): string | undefined {
  const value = claim === undefined ? raw['email'] : claimAt(raw, claim)
  // Some providers have a list with one entry; which of several would count nobody says.
  const only: unknown = claim !== undefined && Array.isArray(value) && value.length === 1 ? value[0] : value
  const address = textOf(only)
  if (address === undefined || !ADDRESS.test(address) || GUEST.test(address)) return undefined
  const isFlagged = (claim ?? 'email') === 'email' || isSameAddress(textOf(raw['email']) ?? '', address)
  return isFlagged && !isVerified(raw) ? undefined : address
}

/** Whatever is not plainly true is not; some providers write it as a text, or as a list of one. */
function isVerified({ [FLAG]: flag }: RawClaims): boolean {
  if (flag === undefined) return true
  const [said, ...more] = [flag].flat()
  return more.length === 0 && (said === true || (typeof said === 'string' && said.toLowerCase() === 'true'))
}

/**
 * How Entra names somebody of another organization: `bob_other.example#EXT#@ours.example` is not one of ours.
 */
const GUEST = /#ext#@/i

/**
 * One `@` with something on both sides, no blanks or invisible characters, and no dot at an end of the
 * domain. With two `@` programs differ about what the domain is, and one that ends with a dot is another text
 * for the same domain.
 */
const ADDRESS = /^[^@\s\p{C}\p{Z}]+@[^@\s.\p{C}\p{Z}]+(?:\.[^@\s.\p{C}\p{Z}]+)*$/u

const isSameAddress = (one: string, other: string): boolean => mailKey(one).key === mailKey(other).key

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
