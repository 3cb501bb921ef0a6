/**
 * All that an upstream is told, and the order in which it is told: this list is the one place for both.
 *
 * A contributor is a file of its own. Another one takes that file, a line here and the keys of its
 * configuration.
 *
 * @module
 */
import type { Access, Refused } from '../access/access.ts'
import type { AccessRoute } from '../access/route.ts'
import type { Route } from '../config/config.ts'
import type { MaybePromise } from '../session/store.ts'
import { type ContributorKind, type Makers, Telling, type UpstreamContributor } from './contributor.ts'
import { UPSTREAM_TOKEN_LACKS } from './exchange/token-request.ts'
import { type UpstreamTokenPorts, upstreamToken, type WithUpstreamToken } from './exchange/upstream-token.ts'
import { identity } from './identity.ts'
import { idpTokens, TOKEN_LACKS } from './idp-tokens.ts'
import { impersonation, NAME_LACKS } from './impersonation.ts'
import { type PlatformTokenPorts, platformToken, type WithPlatformToken } from './platform-token.ts'
import { requestHeaders } from './request-headers.ts'
import { routingKey } from './routing-key.ts'
import type { TokenRenewal } from './session-tokens.ts'

/** What contributors keep in a request until it is written. */
export interface Prepared extends WithPlatformToken, WithUpstreamToken {}

/** Whom contributors ask. */
export interface UpstreamPorts extends TokenRenewal, PlatformTokenPorts, UpstreamTokenPorts {}

/** Why a request does not go out though the policy lets it pass, in words. */
export const UPSTREAM_LACKS = { ...TOKEN_LACKS, ...UPSTREAM_TOKEN_LACKS, ...NAME_LACKS } as const

export type UpstreamLack = keyof typeof UPSTREAM_LACKS

export function isUpstreamLack(reason: string): reason is UpstreamLack {
  return Object.hasOwn(UPSTREAM_LACKS, reason)
}

type Passing = Access & Prepared
type Contributor = UpstreamContributor<Passing, UpstreamPorts, UpstreamLack>

/**
 * Where two set one header the later one wins. Templates may take up the assertion, so it stands before them.
 */
const CONTRIBUTORS: readonly ContributorKind<Passing, UpstreamPorts, UpstreamLack>[] = [
  identity,
  routingKey,
  requestHeaders,
  idpTokens,
  upstreamToken,
  impersonation,
  platformToken,
]

/** What must be had of others before a request of a route goes out, in words. */
export function needsOf(route: Route): readonly string[] {
  return CONTRIBUTORS.flatMap(({ needs }) => needs?.(route) ?? [])
}

const NONE: readonly Contributor[] = []

function having(contributors: readonly Contributor[], hook: keyof Contributor): readonly Contributor[] {
  const found = contributors.filter((each) => each[hook] !== undefined)
  return found.length === 0 ? NONE : found
}

type Outcome = Refused<UpstreamLack> | undefined

/** Who has to wait waits for all at the same time: the check has one deadline. */
async function firstOf(waiting: readonly Promise<Outcome>[]): Promise<Outcome> {
  const outcomes = await Promise.all(waiting)
  return outcomes.find((outcome) => outcome !== undefined)
}

/** Those that one route uses. */
export class Contributions {
  readonly #all: readonly Contributor[]
  readonly #renewing: readonly Contributor[]
  readonly #requiring: readonly Contributor[]
  readonly #preparing: readonly Contributor[]
  /** Lower-case names of the headers that are theirs. */
  readonly headers: readonly string[]
  /** Of these, the ones that carry tokens and credentials. */
  readonly secretHeaders: readonly string[]
  readonly #varying: readonly Contributor[]
  readonly #references: readonly string[]

  constructor(route: AccessRoute) {
    this.#all = CONTRIBUTORS.map((kind) => kind.compile(route)).filter((each) => each !== undefined)
    this.#renewing = having(this.#all, 'renew')
    this.#requiring = having(this.#all, 'require')
    this.#preparing = having(this.#all, 'prepare')
    const headers = CONTRIBUTORS.flatMap((kind) => kind.headersOf(route))
    this.headers = [...new Set(headers.map(({ name }) => name))]
    this.secretHeaders = headers.flatMap(({ name, isSecret }) => (isSecret ? [name] : []))
    this.#varying = having(this.#all, 'variant')
    this.#references = this.#all.flatMap(({ references = [] }) => references)
  }

  /** Has facts of the session renewed that the upstream will need. */
  renew(passing: Passing, ports: UpstreamPorts): MaybePromise<undefined> {
    let waiting: Promise<undefined>[] | undefined
    for (const each of this.#renewing) {
      const renewed = each.renew?.(passing, ports)
      if (renewed instanceof Promise) (waiting ??= []).push(renewed)
    }
    return waiting && Promise.all(waiting).then(() => undefined)
  }

  /** The first thing that is not there. */
  require(passing: Passing): Refused<UpstreamLack> | undefined {
    for (const each of this.#requiring) {
      const refused = each.require?.(passing)
      if (refused !== undefined) return refused
    }
    return undefined
  }

  /** @throws {Fault} for what is not to be had, at once or as a rejection */
  prepare(passing: Passing, ports: UpstreamPorts): MaybePromise<Refused<UpstreamLack> | undefined> {
    let waiting: Promise<Outcome>[] | undefined
    for (const each of this.#preparing) {
      const prepared = each.prepare?.(passing, ports)
      if (prepared instanceof Promise) {
        // Where a later one fails at once, nobody waits for this one any more.
        prepared.catch(() => undefined)
        ;(waiting ??= []).push(prepared)
      } else if (prepared !== undefined) return prepared
    }
    return waiting && firstOf(waiting)
  }

  /** What of the request goes into what they write: two requests with the same go out with the same. */
  variantOf(passing: Passing): string {
    if (this.#references.length === 0 && this.#varying.length === 0) return ''
    const referred = this.#references.map((name) => passing.request.header(name) ?? '')
    const varying = this.#varying.map((each) => each.variant?.(passing) ?? '')
    return [...referred, ...varying].join('\n')
  }

  /** @param requestHeader the request as the upstream may see it */
  compose(passing: Passing, makers: Makers, requestHeader: (name: string) => string): Telling {
    const telling = new Telling(passing.now, requestHeader)
    for (const each of this.#all) {
      each.write(telling, passing, makers)
      const goodUntil = each.goodUntil?.(passing)
      if (goodUntil !== undefined) telling.goodUntil = Math.min(telling.goodUntil, goodUntil)
    }
    return telling
  }
}
