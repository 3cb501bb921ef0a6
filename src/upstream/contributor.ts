/**
 * What adds something to a request on its way to the upstream, in general: contributors.ts has the list of
 * them.
 *
 * @module
 */
import type { Access, Refused } from '../access/access.ts'
import type { PresentedCertificate } from '../access/credentials/client-certificate/verifier.ts'
import type { AccessRoute } from '../access/route.ts'
import type { Route } from '../config/config.ts'
import type { UpstreamHeader } from '../config/keys/upstream/upstream-headers.ts'
import type { MaybePromise } from '../session/store.ts'
import type { Assertions } from './assertions.ts'
import type { HeaderBudget } from './header-budget.ts'

/** One kind of contribution. */
export interface ContributorKind<in Passing extends Access, in Ports, out Reason extends string> {
  /**
   * Request headers that are this one's alone on a route. What a client sends under such a name never passes,
   * whether or not it is set in this request.
   */
  readonly headersOf: (route: AccessRoute) => readonly UpstreamHeader[]
  /** What the upstream must be given of others, in words: whether they give it nobody can tell beforehand. */
  readonly needs?: (route: Route) => readonly string[]
  /**
   * Once a route and generation; `undefined` for the many routes that do not use it, and then cost nothing.
   */
  readonly compile: (route: AccessRoute) => UpstreamContributor<Passing, Ports, Reason> | undefined
}

/** What a route adds. What it finds for one request it keeps in the access, since many are judged at once. */
export interface UpstreamContributor<in Passing extends Access, in Ports, out Reason extends string> {
  /** Lower-case names of request headers whose values go into what it writes. */
  readonly references?: readonly string[]
  /**
   * Before the policy: has facts of the session renewed that the upstream will need. Who waits is judged
   * anew.
   */
  renew?(passing: Passing, ports: Ports): MaybePromise<undefined>
  /**
   * After the policy has allowed. A request without what its upstream needs gets an answer, never an empty
   * header.
   */
  require?(passing: Passing): Refused<Reason> | undefined
  /**
   * After that: asks somebody outside. @throws {Fault} for what is not to be had, at once or as a rejection
   */
  prepare?(passing: Passing, ports: Ports): MaybePromise<Refused<Reason> | undefined>
  /** What it writes with besides the session and such headers: other words, and another answer is made. */
  variant?(passing: Passing): string
  write(telling: Telling, passing: Passing, makers: Makers): void
  /** Until when what it wrote may be sent again: epoch milliseconds. Unset: as long as all else holds. */
  goodUntil?(passing: Passing): number
}

/** Who makes what upstreams are told. */
export interface Makers {
  readonly assertions: Assertions
  readonly budget: HeaderBudget
}

/** What whoever sent a request is told when something for the upstream is not there. */
export interface LackWords {
  readonly status: 401 | 403 | 502 | 503
  readonly heading: string
  /** A sentence; a detail may follow it behind a colon. */
  readonly message: string
  /** What a person can do about it. */
  readonly cure?: 'sign out' | 'sign in again'
  /** Seconds after which the same request may fare better. */
  readonly retryAfter?: number
}

/** What one allowed request goes out with, while it is being written. */
export class Telling {
  readonly headers = new Map<string, string | Buffer>()
  /** The request as the upstream may see it; empty for a header that is not there. */
  readonly requestHeader: (name: string) => string
  /** Of an assertion that may be older than this request. */
  madeAt: number
  goodUntil = Infinity
  assertionJwt = ''
  /** How many of the user's groups the upstream is not told. */
  removedGroups = 0
  /** What the headers that tell who asks take of the upstream's room. */
  identityBytes = 0
  /** Of the longest header that carries a token of an identity provider. */
  tokenBytes = 0

  constructor(now: number, requestHeader: (name: string) => string) {
    this.madeAt = now
    this.requestHeader = requestHeader
  }

  set(name: string, value: string | Buffer): void {
    this.headers.set(name, value)
  }

  /** Of an identity provider: they may be larger than apps take. */
  setToken(name: string, value: string): void {
    this.headers.set(name, value)
    this.tokenBytes = Math.max(this.tokenBytes, value.length)
  }

  noteIdentity({ removedGroups, bytes }: { readonly removedGroups: number; readonly bytes: number }): void {
    this.removedGroups = Math.max(this.removedGroups, removedGroups)
    this.identityBytes += bytes
  }
}

/** The client's certificate, if it is valid: what another one says of itself nobody vouches for. */
export function validCertificate({ certificate }: Access): PresentedCertificate | undefined {
  return certificate?.presented === true && certificate.validity === 'valid' ? certificate : undefined
}
