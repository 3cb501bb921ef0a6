/**
 * One request while it is being judged: what came, and what the checks have found so far.
 *
 * @module
 */
import type { ClientCertificate } from '../access/credentials/client-certificate/verifier.ts'
import { clientAddress } from '../edge/client-address.ts'
import type { DataSources, Decision, RequestFacts, Subject } from '../policy/decision.ts'
import type { Session } from '../session/session.ts'
import type { CheckRequest } from './check-request.ts'
import type { CredentialForm, HeaderCredentials } from './credentials.ts'
import { NotedLookups } from './decision-inputs.ts'
import type { PlatformToken } from './ports.ts'
import type { CompiledRoute } from './routes.ts'
import type { Visitor } from './visitors.ts'

/** What the pipeline comes to. Only `allow` lets the request pass. */
export type Verdict =
  /** `step-up`: the policy allows, but the sign-in is too old or too weak for the route. */
  { readonly outcome: 'allow' | 'sign-in' | 'step-up' | 'deny'; readonly decision: Decision } | Refused

/** The request itself is not acceptable, or what it shows of its sender. */
export interface Refused {
  readonly outcome: 'refuse'
  readonly reason: RefusalReason
  /** What exactly, in words for the log and for whoever sent it: never a part of a credential. */
  readonly detail?: string
}

export type RefusalReason =
  | 'headers-too-large'
  | 'ambiguous-target'
  | 'method-not-allowed'
  | 'unknown-method'
  | CredentialForm
  | 'account-switched-off'
  | 'no-person-signs-in'
  | 'idp-token-missing'
  | 'idp-token-expired'
  | 'name-required'
  | 'name-missing'
  | CredentialProblem

/** What may be wrong with the credential of a machine, apart from the policy. */
export type CredentialProblem = 'invalid-token' | 'token-not-for-this-route' | 'too-many-invalid-tokens'

export interface Check {
  readonly request: CheckRequest
  /** Epoch milliseconds: one instant for the whole check; after a wait it is judged anew at another. */
  now: number
  /** Canonical: lower case, no port. */
  readonly host: string
  /** Without query. */
  readonly path: string
  readonly credentials: HeaderCredentials
  route: CompiledRoute | undefined
  visitor: Visitor | undefined
  /** What the client has shown in the TLS handshake; undefined where it was not asked. */
  certificate: ClientCertificate | undefined
  /** Whether `authorization` holds a token that is verified here: the upstream does not see it. */
  isBearerTaken: boolean
  /** Live sessions that the request's handles name; the checks narrow them down. */
  sessions: readonly Session[]
  /** Whether a directory has switched off whom the request came with. */
  isSwitchedOff: boolean
  /** What the route allows of what a session has too much of, lifetime or silence: such ones don't count. Milliseconds. */
  outlived: number | undefined
  /** What the policy was asked with, once it was. */
  facts: CheckFacts | undefined
  /** By which the upstream's platform knows us, where it wants one. */
  platformToken?: PlatformToken | undefined
  /** What the policy said. */
  decision: Decision | undefined
}

/** Whether it is of somebody who has signed in; those that are made of a machine's credential end with that. */
export function isSignedIn({ visitor }: Check, { id }: Session): boolean {
  return visitor?.sessionIds.includes(id) === true
}

const ANONYMOUS: Subject = { kind: 'anonymous' }

/** @param provider the name of the one that the session is of */
export function subjectOf(session: Session | undefined, provider?: string): Subject {
  if (session === undefined) return ANONYMOUS
  const { kind = 'user', id, userId, email, name, claims, groups, knownGroups } = session
  const subject = { kind, sessionId: id, userId, provider, email, name, claims, groups }
  return knownGroups === undefined ? subject : { ...subject, knownGroups }
}

/** Address of the client; empty where it can't be told. */
export function sourceIpOf({ request, route }: Pick<Check, 'request' | 'route'>): string {
  if (route === undefined) return request.sourceAddress
  return clientAddress(
    { peer: request.sourceAddress, forwardedFor: request.header('x-forwarded-for') },
    route.settings,
  )
}

/** The facts that criteria read; headers are gathered only for a criterion that looks at them. */
export class CheckFacts implements RequestFacts {
  readonly method: string
  readonly path: string
  readonly isPathAsWritten: boolean
  readonly host: string
  readonly sourceIp: string
  readonly now: number
  /** Set where the policy may look something up. */
  readonly lookups: NotedLookups | undefined
  readonly clientCertificate: ClientCertificate | undefined
  readonly #request: CheckRequest
  #headers: Readonly<Record<string, string>> | undefined

  constructor(check: Check, data: DataSources | undefined) {
    this.#request = check.request
    this.method = check.request.method
    this.path = check.path
    this.isPathAsWritten = check.route?.route.paths_as_written === true
    this.host = check.host
    this.now = check.now
    const reads = check.route?.policy.reads
    const mayLookUp = reads !== undefined && (reads.has('record') || reads.has('geo'))
    this.lookups = mayLookUp && data !== undefined ? new NotedLookups(data) : undefined
    this.clientCertificate = check.certificate
    this.sourceIp = sourceIpOf(check)
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.#headers ??= this.#request.headers())
  }

  /** Undefined as long as no criterion has asked for them. */
  get headersRead(): Readonly<Record<string, string>> | undefined {
    return this.#headers
  }

  get data(): DataSources | undefined {
    return this.lookups
  }
}
