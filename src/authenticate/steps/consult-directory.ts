/** What the directory says of the person: the groups that count, or that the account is deactivated. */
import { CHOOSE_PARAMETER } from '../../edge/sign-in-url.ts'
import { Fault } from '../../errors.ts'
import type { Answer, Visit } from '../visit.ts'

/** Who is deactivated and sent to sign in would come back signed in, and be sent there again. */
export function consultDirectory({ endpoint, found, services, request }: Visit): Answer | undefined {
  const { session } = found
  const { directory } = services
  if (session === undefined || directory === undefined) return undefined
  // By a signed address, to become somebody else: the session is left, or passed over.
  if (endpoint === 'SIGN_IN' && request.query.has(CHOOSE_PARAMETER)) return undefined
  if (directory.isDeactivated(session))
    throw new Fault(
      'ACCOUNT_SWITCHED_OFF',
      `${request.path} for an account that the directory has deactivated`,
    )
  found.session = directory.apply(session)
  return undefined
}
