/** Each endpoint has its methods; everything else is 405. */

import { Fault } from '../../../errors.ts'
import { ENDPOINTS } from '../../endpoints.ts'
import type { Answer, Visit } from '../../visit.ts'

export function checkMethod({ endpoint, request }: Visit): Answer | undefined {
  const methods: readonly string[] = ENDPOINTS[endpoint].methods
  if (!methods.includes(request.method))
    throw new Fault('METHOD_NOT_ALLOWED', `${request.method} ${request.path}`)
  return undefined
}
