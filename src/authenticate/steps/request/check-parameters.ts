/** A parameter that occurs twice could be judged by one value and used by the other. */
import { Fault } from '../../../errors.ts'
import type { Answer, Visit } from '../../visit.ts'

export function checkParameters({ request }: Visit): Answer | undefined {
  for (const parameters of [request.query, request.form ?? new URLSearchParams()]) {
    const names = [...parameters.keys()]
    if (new Set(names).size !== names.length) throw new Fault('REQUEST_INVALID', 'a parameter occurs twice')
  }
  return undefined
}
