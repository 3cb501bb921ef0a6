/**
 * The route keys that stand for a policy of their own; all that are set make one allow rule.
 *
 * @module
 */

import { readMail } from '../mail-address.ts'
import type { PolicyContext, PolicySource } from './context.ts'
import { compileCriterion } from './criteria/criteria.ts'
import type { Block, PlacedCriterion } from './policy-language.ts'
import { isMapping, type Path, type Report } from './problem.ts'

/** @param base where the keys stand */
export function readShorthands(
  source: PolicySource,
  base: Path,
  context: PolicyContext,
  report: Report,
): readonly Block[] {
  const criteria: PlacedCriterion[] = []
  const add = (name: string, data: unknown, below: Path, isReported = true): boolean => {
    const at = [...base, ...below]
    const tell = (_: Path, message: string) => {
      if (isReported) report(at, message)
    }
    const compiled = compileCriterion(name, data, at, tell, context)
    if (compiled !== undefined) criteria.push({ ...compiled, name, at })
    return compiled !== undefined
  }
  if (source.allow_public_unauthenticated_access) add('accept', true, ['allow_public_unauthenticated_access'])
  if (source.allow_any_authenticated_user) add('authenticated_user', true, ['allow_any_authenticated_user'])
  if (source.cors_allow_preflight) add('cors_preflight', true, ['cors_allow_preflight'])
  for (const [index, wanted] of (source.allowed_users ?? []).entries()) {
    // An address says whose it is; that it might be an id at any provider as well is no mistake.
    const isText = add('user', { is: wanted }, ['allowed_users', index], readMail(wanted) === undefined)
    if (isText) add('email', { is: wanted }, ['allowed_users', index], isMeantAsAddress(wanted))
  }
  for (const [index, wanted] of (source.allowed_domains ?? []).entries()) {
    add('domain', { is: wanted }, ['allowed_domains', index])
  }
  const claims = isMapping(source.allowed_idp_claims) ? source.allowed_idp_claims : {}
  for (const [claim, values] of Object.entries(claims)) {
    for (const [index, value] of values.entries()) {
      add(`claim/${claim}`, { has: value }, ['allowed_idp_claims', claim, index])
    }
  }
  return criteria.length === 0 ? [] : [{ action: 'allow', operator: 'or', criteria }]
}

/** Ids of users take any form; of what looks like an address the mistakes are told. */
function isMeantAsAddress(text: string): boolean {
  return /^\s|\s$|^@|[*\s].*@|@.*[*\s]/.test(text)
}
