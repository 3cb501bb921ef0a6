/**
 * One request of Envoy's while it is being judged.
 *
 * @module
 */

import type * as access from '../access/access.ts'
import type { Access, AccessReason } from '../access/access.ts'
import type { CredentialForm, HeaderCredentials } from '../edge/header-credentials.ts'
import type { Prepared, UpstreamLack } from '../upstream/contributors.ts'
import type { CheckRequest } from './check-request.ts'
import type { CompiledRoute } from './routes.ts'
import type { Admission } from './share/open-requests.ts'
import type { Visitor } from './visitors.ts'

export type RefusalReason =
  | AccessReason
  | 'headers-too-large'
  | 'ambiguous-target'
  | 'method-not-allowed'
  | 'unknown-method'
  | CredentialForm
  | UpstreamLack
  | 'too-many-open-requests'

/** What the pipeline comes to. Only `allow` lets the request pass. */
export type Verdict = access.Verdict<RefusalReason>

export type Refused = access.Refused<RefusalReason>

export interface Check extends Access, Prepared {
  readonly request: CheckRequest
  readonly credentials: HeaderCredentials
  route: CompiledRoute | undefined
  visitor: Visitor | undefined
  /**
   * As which the request counts among those that its client has open; undefined where they are not counted.
   */
  admission?: Admission | undefined
  /** Whether it has waited for the ends of other requests to become known. */
  hasWaitedForEnds?: boolean
}
