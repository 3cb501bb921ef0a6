/**
 * Who asks, from the options of `explain`.
 *
 * @module
 */
import { ANONYMOUS } from '../../access/access.ts'
import { subjectFrom } from '../../access/tests/test-case.ts'
import type { Config } from '../../config/config.ts'
import { Fault } from '../../errors.ts'
import type { Subject } from '../../policy/decision.ts'

export interface WhoOptions {
  /** A name under `test_subjects`, an e-mail address, or `anonymous`. */
  readonly as?: string | undefined
  readonly user?: string | undefined
  readonly email?: string | undefined
  /** Names with commas between them, or `unknown`. */
  readonly groups?: string | undefined
  /** Each `name=value`. */
  readonly claim?: readonly string[] | undefined
  /** Id of a session in the state folder. */
  readonly session?: string | undefined
  readonly 'state-dir'?: string | undefined
}

/** @throws {Fault} USAGE */
export function subjectFor(options: WhoOptions, config: Config): Subject {
  const { as, user, email, groups, claim, session } = options
  const described = [as, user, email, groups, claim].some((given) => given !== undefined)
  if (session !== undefined && described)
    throw new Fault('USAGE', '--session says who it is; leave out --as and the like')
  if (!described || as === 'anonymous') return ANONYMOUS
  const known = config.settings.test_subjects ?? {}
  const written = as !== undefined && Object.hasOwn(known, as) ? known[as] : undefined
  if (as !== undefined && written === undefined && !as.includes('@')) {
    throw new Fault('USAGE', `--as "${as}" is neither an e-mail address nor a name under \`test_subjects\``)
  }
  const address = email ?? written?.email ?? (written === undefined ? as : undefined)
  return subjectFrom(
    {
      ...written,
      ...(address !== undefined && { email: address }),
      ...(user !== undefined && { user }),
      ...(groups !== undefined && { groups: groups === 'unknown' ? groups : listOf(groups) }),
      claims: { ...written?.claims, ...claimsOf(claim ?? []) },
    },
    as ?? email ?? user ?? 'somebody',
  )
}

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** A claim that is given again has several values. */
function claimsOf(given: readonly string[]): Record<string, string[]> {
  const claims: Record<string, string[]> = Object.create(null)
  for (const text of given) {
    const at = text.indexOf('=')
    if (at < 1) throw new Fault('USAGE', `--claim "${text}" is not of the form name=value`)
    const name = text.slice(0, at)
    claims[name] = [...(claims[name] ?? []), text.slice(at + 1)]
  }
  return claims
}
