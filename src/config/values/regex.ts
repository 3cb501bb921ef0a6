/**
 * Regular expressions that go to Envoy, which compiles them with RE2: checked by the same rules before they
 * are sent.
 *
 * @module
 */

import { RE2JS } from 're2js'
import { z } from 'zod'

/** What RE2 says against a pattern, or undefined. */
export function unicodeRe2Problem(pattern: string): string | undefined {
  const compiled = compileUnicodeRe2(pattern)
  return 'wrong' in compiled ? compiled.wrong : undefined
}

/** The number of capture groups, or what RE2 says against the pattern. */
export function compileRe2(pattern: string): { readonly groups: number } | { readonly wrong: string } {
  // Envoy compiles for bytes, where RE2 knows no character beyond 0xFF.
  const wide = /(?<!\\)(?:\\\\)*\\x\{0*[1-9a-f][0-9a-f]{2,}\}/i.exec(pattern)?.[0]
  if (wide !== undefined) return { wrong: `holds "${wide}", but Envoy matches bytes, up to \\x{FF}` }
  return compileUnicodeRe2(pattern)
}

function compileUnicodeRe2(pattern: string): { readonly groups: number } | { readonly wrong: string } {
  if (pattern === '') return { wrong: 'must not be empty' }
  try {
    return { groups: RE2JS.compile(pattern).groupCount() }
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error)
    return { wrong: `is not a regular expression of RE2 (no look-around, no back-references): ${reason}` }
  }
}

/** What is wrong with a substitution such as `/new/\1` for a pattern with that many groups, or undefined. */
export function substitutionProblem(substitution: string, groups: number): string | undefined {
  for (const [whole, next] of substitution.matchAll(/\\(.?)/gs)) {
    if (next === '\\') continue
    if (next === undefined || !/^\d$/.test(next)) {
      return `"${whole}" is not a group; write "\\1" to "\\9" for groups and "\\\\" for a backslash`
    }
    if (Number(next) > groups) {
      const has = groups === 0 ? 'no group' : groups === 1 ? 'one group' : `${groups} groups`
      return `refers to group ${next}, but the pattern has ${has}`
    }
  }
  return undefined
}

export const Re2 = z.string().superRefine((pattern, context) => {
  const compiled = compileRe2(pattern)
  if ('wrong' in compiled) context.addIssue({ code: 'custom', message: compiled.wrong })
})

/** Compiles a pattern of a route once, and keeps it for as long as there is that route. */
export function patternsByRoute(): (route: object, text: string) => RE2JS {
  const patterns = new WeakMap<object, RE2JS>()
  return (route, text) => {
    const known = patterns.get(route)
    if (known !== undefined) return known
    const made = RE2JS.compile(text)
    patterns.set(route, made)
    return made
  }
}
