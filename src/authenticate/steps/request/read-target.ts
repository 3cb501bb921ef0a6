/** Where the user agent goes in the end: an address of ours, or nowhere. */
import { REDIRECT_URI_PARAMETER } from '../../../edge/sign-in-url.ts'
import { Fault } from '../../../errors.ts'
import { type Answer, parameter, type Visit } from '../../visit.ts'

/** A signature proves that we made the address, not that its host is still a route of ours. */
export function readTarget(visit: Visit): Answer | undefined {
  visit.found.target = ourTarget(visit, parameter(visit, REDIRECT_URI_PARAMETER))
  return undefined
}

/** @throws {Fault} REDIRECT_NOT_OURS */
export function ourTarget({ sites }: Visit, text: string): URL {
  const target = sites.targetOf(text)
  if (target === undefined)
    throw new Fault('REDIRECT_NOT_OURS', `no route serves ${JSON.stringify(text.slice(0, 200))}`)
  return target
}
