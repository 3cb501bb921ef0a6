/**
 * What a provider says of somebody, brought into the form that policies read. Pure.
 *
 * @module
 */

/** Claims of an ID token or a userinfo answer, as they came. */
export type RawClaims = Readonly<Record<string, unknown>>

export interface Profile {
  readonly email: string | undefined
  readonly name: string | undefined
  readonly claims: Readonly<Record<string, readonly string[]>>
  readonly groups: readonly string[] | 'unknown'
}

/** Nobody is in more; a longer list is an error or an attack, and would have to be carried about. */
export const MAX_GROUPS = 5000
/** As deep as `claim/<path>` reaches. */
const MAX_DEPTH = 5
/** They tie one answer to one request, or say where to ask on, and say nothing of the person. */
const PROTOCOL_CLAIMS = new Set(['nonce', 'at_hash', 'c_hash', 's_hash', 'jti', '_claim_sources'])

/** Which claims mean what. */
export interface ClaimNames {
  /** Claims, or paths into them, that may hold the groups; the first that is there counts. Unset: `groups`. */
  readonly groups?: readonly string[] | undefined
  /** The claim that holds the address, or a path to it. Unset: `email`. */
  readonly email?: string | undefined
}

/**
 * @param raw ID token claims with those of userinfo over them
 * @param isWhole false where a part of what the provider says could not be had: no groups are unknown groups then
 */
export function profileOf(
  raw: RawClaims,
  { groups: groupsClaims = ['groups'], email: emailClaim }: ClaimNames = {},
  isWhole = true,
): Profile {
  const held = groupsClaims.map((name) => claimAt(raw, name)).find(isGiven)
  const groups = isGiven(held) ? groupsIn(held) : areGroupsElsewhere(raw) || !isWhole ? 'unknown' : []
  const claims = flattenClaims(raw)
  // Half a list would be as wrong as none: who asks for `claim/groups` must not find what `groups` calls unknown.
  if (groups === 'unknown')
    for (const name of ['groups', ...groupsClaims].flatMap(claimNames)) delete claims[name]
  return { email: emailOf(raw, emailClaim), name: textOf(raw['name']), claims, groups }
}

/**
 * What userinfo says over what the ID token says. Whether an address is verified is told of that very address: a word
 * of the ID token does not make another one good that only userinfo has.
 */
export function withUserInfo(idToken: RawClaims, userInfo: RawClaims): RawClaims {
  const both = { ...idToken, ...userInfo }
  const [one, other] = [idToken, userInfo].map(({ email }) => textOf(email)?.toLowerCase())
  const isOther = one !== undefined && other !== undefined && one !== other
  const isVouchedFor = Object.hasOwn(userInfo, 'email_verified') || !Object.hasOwn(idToken, 'email_verified')
  return isOther && !isVouchedFor ? { ...both, email_verified: false } : both
}

/** When the provider only says that there are groups: more than it puts into a token. */
export function areGroupsElsewhere({ _claim_names: elsewhere, hasgroups: hasGroups }: RawClaims): boolean {
  return (
    hasGroups === true || hasGroups === 'true' || (isObject(elsewhere) && Object.hasOwn(elsewhere, 'groups'))
  )
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

/** How a claim may be called among flattened ones, as policies look for it: `a.b` finds what stands under `a/b`. */
export function claimNames(path: string): readonly string[] {
  const steps = path.split(/[/.]/)
  return steps.length > MAX_DEPTH ? [path] : [...new Set([path, steps.join('.'), steps.join('/')])]
}

/** The values of a flattened claim; `undefined` for one that is not there. */
export function flatClaim(
  claims: Readonly<Record<string, readonly string[]>>,
  path: string,
): readonly string[] | undefined {
  const name = claimNames(path).find((each) => Object.hasOwn(claims, each))
  return name === undefined ? undefined : claims[name]
}

/** Flattened claims in which nested ones stand under the names by which a configuration asks for them as well. */
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

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

/**
 * Lists of scalars by path: `{address: {city: 'Ulm'}}` becomes `address/city: ['Ulm']`. Numbers and booleans become
 * text; null, and objects in lists, are left out. A claim whose name holds a slash keeps its place.
 */
export function flattenClaims(raw: RawClaims): Record<string, readonly string[]> {
  const found: { readonly path: string; readonly values: readonly string[]; readonly depth: number }[] = []
  const visit = (path: string, value: unknown, depth: number): void => {
    if (Array.isArray(value)) found.push({ path, values: value.flatMap(scalar), depth })
    else if (!isObject(value)) {
      if (value !== null && value !== undefined) found.push({ path, values: scalar(value), depth })
    } else if (depth < MAX_DEPTH)
      for (const [key, inner] of Object.entries(value)) visit(`${path}/${key}`, inner, depth + 1)
  }
  for (const [name, value] of Object.entries(raw)) if (!PROTOCOL_CLAIMS.has(name)) visit(name, value, 1)
  // Where two are spelt alike, the one nearer to the top wins.
  const deepestFirst = found.toSorted((a, b) => b.depth - a.depth)
  return Object.fromEntries(deepestFirst.map(({ path, values }) => [path, values]))
}

/**
 * A list of names or of ids, a single name, or a map of roles as Zitadel has it: each with the organizations that grant
 * it. `unknown` in a form that we can't read, or when there are too many.
 */
function groupsIn(value: unknown): readonly string[] | 'unknown' {
  const list: readonly unknown[] = isRoleMap(value)
    ? Object.keys(value)
    : Array.isArray(value)
      ? value
      : [value]
  if (list.length > MAX_GROUPS) return 'unknown'
  // Ids may be numbers; those that JSON has rounded would be somebody else's.
  if (Array.isArray(value) && list.every(Number.isSafeInteger)) return [...new Set(list.map(String))]
  const names = list.filter((name) => typeof name === 'string')
  return names.length === list.length ? [...new Set(names)].filter((name) => name !== '') : 'unknown'
}

/** A role with nothing behind it, or with `false`, may be one that is not granted. */
function isRoleMap(value: unknown): value is Record<string, unknown> {
  return (
    isObject(value) &&
    Object.values(value).every((grants) => isObject(grants) && Object.keys(grants).length > 0)
  )
}

/**
 * The email address, unless the provider says that it is not verified: anybody could have typed somebody else's.
 *
 * Providers that say nothing of it are believed. Where accounts are made by administrators and the flag is just not
 * set (Keycloak's default), set it there. Of a claim that an operator has named the flag says nothing, unless it is
 * the same address.
 */
function emailOf(raw: RawClaims, claim: string | undefined): string | undefined {
  const value = claim === undefined ? raw['email'] : claimAt(raw, claim)
  // Some providers have a list with one entry; which of several would count nobody says.
  const only: unknown = claim !== undefined && Array.isArray(value) && value.length === 1 ? value[0] : value
  const address = textOf(only)
  if (address === undefined || !ADDRESS.test(address) || GUEST.test(address)) return undefined
  const isFlagged =
    (claim ?? 'email') === 'email' || textOf(raw['email'])?.toLowerCase() === address.toLowerCase()
  return isFlagged && !isVerified(raw) ? undefined : address
}

/** Whatever is not plainly true is not; some providers write it as a text, or as a list of one. */
function isVerified(raw: RawClaims): boolean {
  if (raw['email_verified'] === undefined) return true
  const [said, ...more] = [raw['email_verified']].flat()
  return more.length === 0 && (said === true || (typeof said === 'string' && said.toLowerCase() === 'true'))
}

/** How Entra names somebody of another organization: `bob_other.example#EXT#@ours.example` is not one of ours. */
const GUEST = /#ext#@/i

/**
 * One `@` with something on both sides, no blanks or invisible characters, and no dot at an end of the domain. With two
 * `@` programs differ about what the domain is, and one that ends with a dot is another text for the same domain.
 */
const ADDRESS = /^[^@\s\p{C}\p{Z}]+@[^@\s.\p{C}\p{Z}]+(?:\.[^@\s.\p{C}\p{Z}]+)*$/u

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function scalar(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : []
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
