/**
 * Claims as everything reads them: flat lists of texts by path, and marks for what is there and can't be
 * read. Pure.
 *
 * What a form means is told here and nowhere else. A claim in a form that is not read is no empty list: a
 * rule that looks for a value must not be escaped by hiding the value in an object. So such a claim leaves a
 * mark, and is unknown.
 *
 * @module
 */

/** Claims of a token or a userinfo answer, as they came. */
export type RawClaims = Readonly<Record<string, unknown>>

export type FlatClaims = Readonly<Record<string, readonly string[]>>

/** As deep as `claim/<path>` reaches. */
const MAX_DEPTH = 5
/** Nobody has more; a longer list is an error or an attack, and would have to be carried about. */
export const MAX_VALUES = 5000
/** Pictures are sent in claims; what is compared is shorter. */
const LONGEST_TEXT = 10_000
const MOST_CLAIMS = 5000
/** More digits than a number of JSON keeps. */
const SURE_DIGITS = 15

/** They tie one answer to one request, or say where to ask on, and say nothing of the person. */
const PROTOCOL_CLAIMS = new Set(['nonce', 'at_hash', 'c_hash', 's_hash', 'jti', '_claim_sources'])

/**
 * What begins the name of a mark; the path of what is unread follows. Providers send it themselves, with the
 * claims that they keep elsewhere (OpenID Connect Core §5.6.2).
 */
const ELSEWHERE = '_claim_names'
const UNREAD = 'unread'

/** The mark of a claim, and of all that may be below it; without a path, of every claim that is not there. */
export function unreadMark(path: string, why = UNREAD): FlatClaims {
  return { [`${ELSEWHERE}/${path}`]: [why] }
}

/**
 * Lists of texts by path: `{address: {city: 'Ulm'}}` becomes `address/city: ['Ulm']`. A claim whose name
 * holds a slash keeps its place; where two are spelt alike, the one nearer to the top wins. Null is nothing.
 */
export function flattenClaims(raw: RawClaims): Record<string, readonly string[]> {
  const found = new Map<string, { readonly values: readonly string[] | 'unknown'; readonly depth: number }>()
  let noted = 0
  const note = (path: string, values: readonly string[] | 'unknown', depth: number): void => {
    noted += 1
    const other = found.get(path)
    if (other === undefined || depth < other.depth) found.set(path, { values, depth })
  }
  const visit = (path: string, value: unknown, depth: number): void => {
    if (!isGiven(value) || found.size > MOST_CLAIMS) return
    if (!isObject(value)) return note(path, valuesIn(value), depth)
    const inside = Object.entries(value)
    if (inside.length === 0) return
    if (depth >= MAX_DEPTH) return note(path, 'unknown', depth)
    const before = noted
    for (const [key, inner] of inside) visit(`${path}/${key}`, inner, depth + 1)
    // Nothing below tells that this is no list: so a step to nowhere does.
    if (noted === before) note(`${path}/`, 'unknown', depth)
  }
  for (const [name, value] of Object.entries(raw))
    if (!PROTOCOL_CLAIMS.has(name) && name !== ELSEWHERE) visit(name, value, 1)
  const elsewhere = elsewhereIn(raw)
  const kept = [...found].map(([path, { values }]): readonly [string, readonly string[]] => {
    const isRead = values !== 'unknown' && !elsewhere.some((name) => isWithin(path, name))
    return isRead ? [path, values] : [`${ELSEWHERE}/${path}`, [UNREAD]]
  })
  const source = isObject(raw[ELSEWHERE]) ? raw[ELSEWHERE] : {}
  const marks = elsewhere.map((name) => {
    const where = Object.hasOwn(source, name) ? source[name] : undefined
    return [`${ELSEWHERE}/${name}`, [typeof where === 'string' ? where : UNREAD]] as const
  })
  const rest = found.size > MOST_CLAIMS ? Object.entries(unreadMark('')) : []
  return Object.fromEntries([...kept, ...marks, ...rest])
}

/**
 * The names of the claims that the provider says it keeps elsewhere; the empty one, within which all are, if
 * it is unclear.
 */
export function elsewhereIn({ [ELSEWHERE]: names }: RawClaims): readonly string[] {
  if (!isGiven(names)) return []
  return isObject(names) ? Object.keys(names) : ['']
}

/** Whether one path is another, or leads on from it. */
export function isWithin(path: string, outer: string): boolean {
  const [inner, around] = [path, outer].map((each) => each.replaceAll('.', '/'))
  return outer === '' || inner === around || inner?.startsWith(`${around}/`) === true
}

/**
 * The values of a claim: a text, a number or a truth value, or a list of one of these kinds. Of any other
 * form it is unknown what it lists, half a list included. Numbers that JSON may have rounded would be
 * somebody else's ids.
 */
export function valuesIn(value: unknown): readonly string[] | 'unknown' {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const kind = typeof list[0]
  const isRead = list.length <= MAX_VALUES && list.every((each) => typeof each === kind && isPlain(each))
  return isRead ? list.map(String) : 'unknown'
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= LONGEST_TEXT
  if (typeof value !== 'number') return typeof value === 'boolean'
  if (Number.isInteger(value)) return Number.isSafeInteger(value)
  return /^-?[\d.]+$/.test(String(value)) && String(value).replaceAll(/\D/g, '').length <= SURE_DIGITS
}

/**
 * How a claim may be called among flattened ones, as policies look for it: `a.b` finds what stands under
 * `a/b`.
 */
export function claimNames(path: string): readonly string[] {
  const steps = path.split(/[/.]/)
  return steps.length > MAX_DEPTH ? [path] : [...new Set([path, steps.join('.'), steps.join('/')])]
}

/** Reads one claim of many people; `undefined` where it is known to be none. */
export function claimReader(path: string): (claims: FlatClaims) => readonly string[] | 'unknown' | undefined {
  const names = claimNames(path)
  const steps = path.split(/[/.]/)
  const around = ['', ...steps.map((_, index) => steps.slice(0, index + 1).join('/'))]
  const whole = steps.join('/')
  return (claims) => {
    // Own properties only: a claim is named by whoever writes the policy, `constructor` included.
    const name = names.find((each) => Object.hasOwn(claims, each))
    if (name !== undefined) return claims[name]
    const { unread, objects } = outlineOf(claims)
    return objects.has(whole) || around.some((each) => unread.has(each)) ? 'unknown' : undefined
  }
}

export function readClaim(claims: FlatClaims, path: string): readonly string[] | 'unknown' | undefined {
  return claimReader(path)(claims)
}

/** The values of a claim for those who take what is certain only. */
export function flatClaim(claims: FlatClaims, path: string): readonly string[] | undefined {
  const values = readClaim(claims, path)
  return values === 'unknown' ? undefined : values
}

interface Outline {
  /** Paths of what could not be read, with slashes between steps. */
  readonly unread: ReadonlySet<string>
  /** Paths of what holds other claims, and is no list itself. */
  readonly objects: ReadonlySet<string>
}

/** The claims of a session are looked into again and again. */
const outlines = new WeakMap<FlatClaims, Outline>()
const MARK = new RegExp(`^${ELSEWHERE}[/.]`)

function outlineOf(claims: FlatClaims): Outline {
  let outline = outlines.get(claims)
  if (outline === undefined) {
    const unread = new Set<string>()
    const objects = new Set<string>()
    for (const name of Object.keys(claims)) {
      const steps = name.replace(MARK, '').split(/[/.]/)
      if (MARK.test(name)) unread.add(steps.join('/'))
      for (let length = 1; length < steps.length; length += 1) objects.add(steps.slice(0, length).join('/'))
    }
    outline = { unread, objects }
    outlines.set(claims, outline)
  }
  return outline
}

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
