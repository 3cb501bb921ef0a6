/**
 * Which sessions one request names, each once, in cookies and in headers: the rule for every page and every
 * check.
 *
 * @module
 */
import { openProgramToken } from './program-token.ts'
import { openReferences, type ReferenceScope } from './session-reference.ts'

export interface SessionCredentials {
  /** Values of the session cookie. */
  readonly cookies: readonly string[]
  /** What headers show, as `headerCredentials` reads them: a program's token is good in these alone. */
  readonly headers: readonly string[]
}

export function namedSessions(
  { cookies, headers }: SessionCredentials,
  scope: ReferenceScope,
  keys: { readonly cookie: Uint8Array; readonly program: Uint8Array },
): readonly string[] {
  const named = openReferences([...cookies, ...headers], scope, keys.cookie)
  if (headers.length === 0) return named
  const ofPrograms = headers.map((text) => openProgramToken(text, scope.audience, keys.program))
  return [...new Set([...named, ...ofPrograms.filter((id) => id !== undefined)])]
}
