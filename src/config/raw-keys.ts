/**
 * The keys of a map as the file has them: which of them ask for something, which are right, and what makes a
 * route the one it is.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { Mistake } from './config.ts'
import { isKeyed } from './file/yaml-file.ts'
import { UNSUPPORTED_RUNTIME_FLAGS, UNSUPPORTED_SETTINGS, withoutHarmless } from './keys/unsupported-keys.ts'
import { mistakesOf, sentenceOf } from './sentences.ts'

/** Two keys that hold routes; `policy` is the older name and comes first. */
export const ROUTE_LISTS = ['policy', 'routes'] as const

export type Raw = Readonly<Record<string, unknown>>

/** The global keys that ask for something. */
export function settingsOf(value: Raw): Raw {
  const keys = Object.entries(withoutHarmless(value, UNSUPPORTED_SETTINGS))
    .filter(([key]) => !isRouteList(key))
    .map(([key, held]) =>
      key === 'runtime_flags' && isKeyed(held)
        ? [key, withoutHarmless(held, UNSUPPORTED_RUNTIME_FLAGS)]
        : [key, held],
    )
  return Object.fromEntries(keys)
}

/**
 * A key without a value is a slip of the pen, but for those whose absence lets nobody in, and for `prefix`
 * beside another key of the path: routes that are merged in YAML take it off so.
 */
export function withoutEmptyRules(route: Raw): Raw {
  const hasPath = (route['regex'] ?? route['path'] ?? null) !== null
  const isEmpty = (key: string, value: unknown): boolean =>
    (value === null && (WHO_MAY_PASS.includes(key) || (key === 'prefix' && hasPath))) ||
    (value === '' && key === 'tls_custom_ca')
  return Object.entries(route).some(([key, value]) => isEmpty(key, value))
    ? Object.fromEntries(Object.entries(route).filter(([key, value]) => !isEmpty(key, value)))
    : route
}

const WHO_MAY_PASS: readonly string[] = ['policy', 'allowed_users', 'allowed_domains', 'allowed_idp_claims']

function isRouteList(key: string): boolean {
  return key === 'routes' || key === 'policy'
}

/**
 * Checks keys one and all. Of a wrong map the right keys are kept, so that what stands between keys is judged
 * too.
 *
 * @param lenient the same schema without required keys
 */
export function checkKeys<Keys>(
  schema: z.ZodType<Keys>,
  lenient: z.ZodType<Keys>,
  raw: Raw,
  unsupportedAt: Parameters<typeof mistakesOf>[2],
  alsoKnown: readonly string[] = [],
): { readonly keys: Keys; readonly mistakes: readonly Mistake[] } {
  const checked = schema.safeParse(raw, { error: sentenceOf })
  if (checked.success) return { keys: checked.data, mistakes: [] }
  const mistakes = mistakesOf(checked.error.issues, schema, unsupportedAt, alsoKnown)
  const wrong = new Set(mistakes.map(({ path }) => path[0]))
  const right = Object.fromEntries(Object.entries(raw).filter(([key]) => !wrong.has(key)))
  return { keys: lenient.safeParse(right).data ?? lenient.parse({}), mistakes }
}

/** The same keys make the same route: its order in the file and all its other keys may change. */
export function routeIdOf(raw: Raw): string {
  const target = raw['to'] ?? raw['redirect'] ?? raw['response']
  const identity = [raw['from'], raw['prefix'] ?? null, raw['path'] ?? null, raw['regex'] ?? null, target]
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16)
}
