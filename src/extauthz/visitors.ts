/**
 * Who stands behind a host name and a set of credentials, remembered by their exact bytes.
 *
 * The same user agent sends the same bytes again and again: its reference is verified once, and answers made
 * for it hang here. Everything here can be forgotten at any time.
 *
 * @module
 */

import type { Named } from '../access/access.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { namedSessions } from '../edge/named-sessions.ts'
import { isServiceAccountToken, openServiceAccountToken } from '../edge/service-account-token.ts'
import type { ReferenceScope } from '../edge/session-reference.ts'
import type { SplitCookies } from './cookies.ts'
import type { CompiledRoute } from './routes.ts'

export interface AllowedAnswer {
  readonly bytes: Buffer
  /** How many of the user's groups the upstream is not told. */
  readonly removedGroups: number
  /** What the headers that tell who asks take of the upstream's room. */
  readonly identityBytes: number
  readonly madeAt: number
  /** Of the longest header that carries a token of the identity provider. */
  readonly tokenBytes: number
  /** When a token in it ends. */
  readonly goodUntil: number
}

/** An allowed answer, to be sent again while what it was made of holds. */
export interface ReadyAnswer extends AllowedAnswer {
  readonly sessionId: string
  readonly sessionVersion: number
  /** The same reference may have come in either header, and what is taken off differs. */
  readonly isAuthorizationOurs: boolean
  /** What went into it beside the session, such as values of request headers. */
  readonly variant: string
}

/** Whom the references name, each once. */
export interface Visitor extends Named {
  readonly cookies: SplitCookies
  readonly answers: Map<CompiledRoute, ReadyAnswer>
  /** Whether it is remembered: only then answers are kept for it, so that their number stays bounded. */
  isKept: boolean
}

export function recogniseVisitor(options: {
  readonly sessionCookie: ReferenceScope
  readonly cookies: SplitCookies
  readonly headerReferences: readonly string[]
  readonly keys: Pick<Keyring, 'cookie' | 'serviceAccount' | 'program'>
}): Visitor {
  const { sessionCookie, cookies, headerReferences, keys } = options
  const values = cookies.sessions.get(sessionCookie.cookieName) ?? []
  // From headers only: whatever else a browser sends along by itself is not a machine's doing.
  const tokens = headerReferences.filter(isServiceAccountToken)
  const accounts = tokens.map((token) => openServiceAccountToken(token, keys.serviceAccount))
  return {
    sessionIds: namedSessions({ cookies: values, headers: headerReferences }, sessionCookie, keys),
    serviceAccountIds: [...new Set(accounts.filter((id) => id !== undefined))],
    hasForgedToken: accounts.includes(undefined),
    cookies,
    answers: new Map(),
    isKept: false,
  }
}

/** Longer ones are looked at anew each time: memory is not the client's to fill. */
const LONGEST_KEY = 4096
const MOST_VISITORS = 10_000
const MOST_ANSWERS = 20_000

/** Visitors by the exact bytes of host and credentials. When full, the oldest go. */
export class Visitors {
  readonly #byKey = new BoundedMap<string, Visitor>(MOST_VISITORS, (key, visitor) =>
    this.#release(key, visitor),
  )
  /** Keys by session or service account: thousands of sessions may end in one sweep. */
  readonly #keysOf = new Map<string, Set<string>>()
  #answers = 0

  find(key: string): Visitor | undefined {
    return this.#byKey.get(key)
  }

  /**
   * Only who names a session, or shows nothing at all, is worth remembering: others could come in any number.
   */
  remember(key: string, visitor: Visitor, hasCredentials: boolean): void {
    const isNamed = visitor.sessionIds.length + visitor.serviceAccountIds.length > 0
    if (key.length > LONGEST_KEY || (!isNamed && hasCredentials)) return
    const former = this.#byKey.get(key)
    if (former !== undefined) this.#forget(key, former)
    visitor.isKept = true
    for (const id of namesOf(visitor)) {
      const keys = this.#keysOf.get(id)
      if (keys === undefined) this.#keysOf.set(id, new Set([key]))
      else keys.add(key)
    }
    this.#byKey.set(key, visitor)
  }

  keepAnswer(visitor: Visitor, route: CompiledRoute, answer: ReadyAnswer): void {
    if (!visitor.isKept) return
    if (!visitor.answers.has(route)) this.#answers++
    visitor.answers.set(route, answer)
    this.#byKey.forgetWhile(() => this.#answers > MOST_ANSWERS)
  }

  forgetSession(sessionId: string): void {
    for (const key of this.#keysOf.get(sessionId) ?? []) {
      const visitor = this.#byKey.get(key)
      if (visitor !== undefined) this.#forget(key, visitor)
    }
  }

  clear(): void {
    for (const [key, visitor] of this.#byKey) this.#forget(key, visitor)
  }

  get size(): number {
    return this.#byKey.size
  }

  get answerCount(): number {
    return this.#answers
  }

  #forget(key: string, visitor: Visitor): void {
    this.#byKey.delete(key)
    this.#release(key, visitor)
  }

  #release(key: string, visitor: Visitor): void {
    for (const id of namesOf(visitor)) {
      const keys = this.#keysOf.get(id)
      keys?.delete(key)
      if (keys?.size === 0) this.#keysOf.delete(id)
    }
    this.#answers -= visitor.answers.size
    visitor.answers.clear()
    visitor.isKept = false
  }
}

function namesOf({ sessionIds, serviceAccountIds }: Visitor): readonly string[] {
  return [...sessionIds, ...serviceAccountIds]
}
