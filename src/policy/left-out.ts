/**
 * Deny rules whose effect depends on a fact that an identity provider may leave out, in words for `sallyport
 * validate`.
 *
 * @module
 */
import type { PolicyContext } from './context.ts'
import { isMapping } from './problem.ts'

/** What a criterion comes to of somebody of whom the provider does not send what it asks for. */
export interface LeftOut {
  readonly truth: 'hit' | 'miss' | 'unknown'
  /** Completes "people …". */
  readonly who: string
}

const NO_ADDRESS: LeftOut = { truth: 'unknown', who: 'without a verified e-mail address' }

/** Of an address, or of what is found by it. */
export const ofAddress = (): LeftOut => NO_ADDRESS

/** Of a list that is empty where it is not sent. */
export function ofList(data: unknown, name: string): LeftOut {
  const who = `of whom the identity provider sends no ${name}`
  const keys = isMapping(data) ? Object.keys(data) : ['has']
  return { truth: keys.every((key) => key === 'exclude') ? 'hit' : 'miss', who }
}

export function ofRecord(data: unknown, { records = {} }: PolicyContext): LeftOut | undefined {
  const type = isMapping(data) ? String(data['type']) : ''
  return Object.hasOwn(records, type) && records[type]?.key === 'user.email' ? NO_ADDRESS : undefined
}

/** @param isNegated by `not` or `nor` */
export function leftOutWarning({ truth, who }: LeftOut, isNegated: boolean): string {
  if (truth === 'unknown') return `people ${who} are denied by this rule: it can't be decided of them`
  if ((truth === 'hit') !== isNegated)
    return `people ${who} are denied by this rule: an empty list excludes every value`
  return `people ${who} are not denied by this rule: an empty list has no value. Where everybody has one, deny by "not" whoever lacks what they must have`
}
