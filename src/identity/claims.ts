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

/**
 * @param raw ID token claims with those of userinfo over them
 * @param groupsClaims claims, or paths into them, that may hold the groups; the first that is there counts
 */
export function profileOf(raw: RawClaims, groupsClaims: readonly string[] = ['groups']): Profile {
  const held = groupsClaims.map((name) => claimAt(raw, name)).find(isGiven)
  const groups = isGiven(held) ? groupsIn(held) : areGroupsElsewhere(raw) ? 'unknown' : []
  const claims = flattenClaims(raw)
  // Half a list would be as wrong as none: who asks for `claim/groups` must not find what `groups` calls unknown.
  if (groups === 'unknown') for (const name of ['groups', ...groupsClaims]) delete claims[name]
  return { email: emailOf(raw), name: textOf(raw['name']), claims, groups }
}

/** When the provider only says that there are groups: more than it puts into a token. */
export function areGroupsElsewhere({ _claim_names: elsewhere, hasgroups: hasGroups }: RawClaims): boolean {
  return (
    hasGroups === true || hasGroups === 'true' || (isObject(elsewhere) && Object.hasOwn(elsewhere, 'groups'))
  )
}

/** A claim by its very name, or by a path into nested ones. */
function claimAt(raw: RawClaims, name: string): unknown {
  if (Object.hasOwn(raw, name)) return raw[name]
  let at: unknown = raw
  for (const step of name.split('/')) at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined
  return at
}

function isGiven(value: unknown): boolean {
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

/** A list of names, or a single name; `unknown` in a form that we can't read, or when there are too many. */
function groupsIn(value: unknown): readonly string[] | 'unknown' {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (list.length > MAX_GROUPS) return 'unknown'
  const names = list.filter((name) => typeof name === 'string')
  return names.length === list.length ? [...new Set(names)].filter((name) => name !== '') : 'unknown'
}

/**
 * The email address, unless the provider says that it is not verified: anybody could have typed somebody else's.
 *
 * Providers that say nothing of it are believed. Where accounts are made by administrators and the flag is just not
 * set (Keycloak's default), set it there; the address can still be matched as `claim/email`.
 */
function emailOf({ email, email_verified: isVerified }: RawClaims): string | undefined {
  // Some providers write booleans as text.
  if (isVerified === false || isVerified === 'false') return undefined
  const address = textOf(email)
  return address !== undefined && ADDRESS.test(address) ? address : undefined
}

/** One `@` with something on both sides, and no blanks. With two, programs differ about what the domain is. */
const ADDRESS = /^[^@\s]+@[^@\s]+$/

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
