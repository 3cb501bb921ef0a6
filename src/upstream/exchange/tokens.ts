/**
 * Tokens for upstreams: asked for once for all who wait, and kept until shortly before they end.
 *
 * A token is kept beside the session that it was got for and the very token that it was got with. Where
 * either is another one, what is kept counts for nothing. Failures are kept for a while too: those of one
 * person for that person, and those of several in a row for everybody who would ask the same.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { ClientSecretBasic, ClientSecretPost } from 'openid-client'
import { BoundedMap } from '../../bounded-map.ts'
import type { Config, Route } from '../../config/config.ts'
import { isForUser, type UpstreamTokenTerms } from '../../config/keys/upstream/upstream-token.ts'
import { Fault, reasonOf } from '../../errors.ts'
import type { IdentityProvider, TokenEndpoint } from '../../identity/provider.ts'
import { type HttpClient, HttpFailure } from '../../outbound/http-client.ts'
import type { Session } from '../../session/session.ts'
import type { MaybePromise, SessionStore } from '../../session/store.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Meter } from '../../telemetry/metrics.ts'
import { growingPause, KeptTokens, LONGEST_PAUSE_MS, type TokenTimes } from '../kept-tokens.ts'
import { type Failure, type Issued, readTokenAnswer, tokenForm } from './token-request.ts'

/** Whom a token is got for, and with what. */
export interface Wanted {
  readonly route: Route
  readonly terms: UpstreamTokenTerms
  /** The same for terms that ask the same. */
  readonly termsKey: string
  /** Unset for a client's own token. */
  readonly session: Session | undefined
  /** The token to exchange, and whether it is still good. */
  readonly subject: { readonly token: string; readonly isGood: boolean } | undefined
}

export interface UpstreamToken extends TokenTimes {
  readonly value: string
  /** No two have the same. */
  readonly serial: number
  readonly termsKey: string
  /** Of the session that it was got for; empty for a client's own. */
  readonly sessionId: string
  readonly userId: string
}

export interface UpstreamTokens {
  /** At once while one is at hand. Never rejects. */
  tokenFor(wanted: Wanted): MaybePromise<UpstreamToken | Failure>
}

/** Less than Envoy waits for a check, also where a token of the session is renewed before. */
const ANSWER_WITHIN_MS = 4000
const RENEW_BEFORE_MS = 60_000
/** With less left nobody should begin a request with it. */
const LEAST_LEFT_MS = 10_000
/** So many different people in a row, and it is not about them. */
const FAILURES_IN_A_ROW = 3
const MOST_GOINGS = 1000
/** The same trouble again is told so much later. */
const REPORT_AGAIN_MS = 60_000
const REPORT_AT_MOST_EVERY_MS = 1000

/** How it goes with one issuer and one kind of request. */
interface Going {
  /** Whom it has failed in a row. */
  readonly failing: Set<string>
  times: number
  pausedAt: number
  retryAt: number
  last: Failure | undefined
  reported?: { readonly text: string; readonly at: number } | undefined
}

export interface UpstreamTokensOptions {
  readonly config: { onGeneration(listener: (config: Config) => void): Disposable }
  readonly providers: {
    find(idpId: string): Pick<IdentityProvider, 'tokenEndpoint'> | undefined
    idsFor(route: Route): readonly string[]
  }
  readonly sessions: Pick<SessionStore, 'onChange'>
  readonly http: HttpClient
  readonly now: () => number
  readonly logger: Pick<Logger, 'info' | 'warn'>
  readonly meter: Meter
  readonly answerWithinMs?: number
}

export function openUpstreamTokens(options: UpstreamTokensOptions): UpstreamTokens & Disposable {
  const { config, providers, sessions, http, now, logger, meter } = options
  const { answerWithinMs = ANSWER_WITHIN_MS } = options
  let serial = 0
  const kept = new KeptTokens<UpstreamToken, Failure>({
    now,
    isToken: (found) => 'value' in found,
    bytesOf: ({ value }) => value.length,
    pauseAfter: ({ retryAfterMs }, times) => growingPause(times, retryAfterMs),
    tooManyAtOnce: TOO_MANY_AT_ONCE,
  })
  /** By what is asked of whom. */
  const goings = new BoundedMap<string, Going>(MOST_GOINGS)
  const counter = meter.createCounter('sallyport_upstream_tokens_total', {
    description: 'Tokens for upstreams that were asked for, by what came of it.',
  })
  const following = [
    sessions.onChange((id) => kept.forget(id)),
    // What was wrong may have been mended.
    config.onGeneration(() => {
      kept.forgetFailures()
      goings.clear()
    }),
  ]

  function goingFor(key: string): Going {
    const known = goings.get(key)
    if (known !== undefined) return known
    const going: Going = { failing: new Set(), times: 0, pausedAt: 0, retryAt: 0, last: undefined }
    goings.set(key, going)
    return going
  }

  async function get(wanted: Wanted, going: Going): Promise<UpstreamToken | Failure> {
    const begunAt = now()
    const found = await ask(wanted)
    counter.add(1, { outcome: 'lack' in found ? found.lack : 'issued' })
    if ('lack' in found) {
      noteFailure(going, found, wanted, begunAt)
      return found
    }
    noteSuccess(going, wanted)
    return issuedTo(wanted, found, { begunAt, serial: (serial += 1) })
  }

  async function ask(wanted: Wanted): Promise<Issued | Failure> {
    const { terms, subject } = wanted
    const signal = AbortSignal.timeout(answerWithinMs)
    try {
      const endpoint = await within(signal, endpointFor(wanted))
      const body = tokenForm(terms, subject?.token)
      const headers = new Headers({ accept: 'application/json' })
      endpoint.authenticate(body, headers)
      const asked = { method: 'POST', headers, body, signal }
      const answer = await (endpoint.fetch?.(endpoint.url, asked) ?? http.fetch(endpoint.url, asked))
      const secrets = [subject?.token ?? '', terms.client_secret?.reveal() ?? '']
      return await readTokenAnswer(answer, terms, { now: now(), secrets })
    } catch (error) {
      return failureFrom(error, signal)
    }
  }

  async function endpointFor({ terms, route, session }: Wanted): Promise<TokenEndpoint> {
    const authenticate = ownAuthentication(terms)
    if (terms.token_url !== undefined && authenticate !== undefined)
      return { url: terms.token_url, authenticate }
    const provider = providers.find(providerIdFor(route, session))
    const found = await provider?.tokenEndpoint?.()
    if (found === undefined)
      throw new Fault('IDP_NOT_CONFIGURED', 'the identity provider has no token endpoint for this')
    return authenticate === undefined ? found : { ...found, authenticate }
  }

  const providerIdFor = (route: Route, session: Session | undefined): string =>
    session?.idpId ?? providers.idsFor(route)[0] ?? ''

  function noteSuccess(going: Going, { route }: Wanted): void {
    if (going.failing.size > 0)
      logger.info({ 'route-id': route.id }, 'tokens for an upstream are to be had again')
    going.reported = undefined
    going.failing.clear()
    going.times = 0
    going.pausedAt = 0
    going.retryAt = 0
  }

  function noteFailure(
    going: Going,
    failure: Failure,
    { route, session, terms }: Wanted,
    begunAt: number,
  ): void {
    const at = now()
    // Those that began before the pause say nothing about how it is now.
    if (failure.isOfIssuer === true && begunAt >= going.pausedAt) {
      if (going.failing.size < FAILURES_IN_A_ROW) going.failing.add(session?.userId ?? '')
      going.last = failure
      if (going.failing.size >= FAILURES_IN_A_ROW) {
        going.times += 1
        going.pausedAt = at
        going.retryAt = at + growingPause(going.times, failure.retryAfterMs)
      }
    }
    const text = `${failure.lack} ${failure.why}`
    const since = at - (going.reported?.at ?? Number.NEGATIVE_INFINITY)
    if (since >= 0 && since < (going.reported?.text === text ? REPORT_AGAIN_MS : REPORT_AT_MOST_EVERY_MS))
      return
    going.reported = { text, at }
    logger.warn(
      { 'route-id': route.id, grant: terms.grant, reason: failure.lack, err: failure.why },
      'no token for an upstream',
    )
  }

  /** Why nobody is asked now. One looks how it is, and the others wait for what that brings. */
  function pausedBy(going: Going): Failure | undefined {
    const at = now()
    if (at < going.retryAt && going.retryAt - at <= LONGEST_PAUSE_MS) return going.last
    if (going.retryAt > 0) going.retryAt = at + growingPause(going.times, going.last?.retryAfterMs)
    return undefined
  }

  return {
    tokenFor(wanted) {
      const { terms, termsKey, session, subject, route } = wanted
      const isAtProvider = terms.token_url === undefined || session !== undefined
      const key = `${isAtProvider ? providerIdFor(route, session) : ''}\n${termsKey}`
      const place = {
        holder: session?.id ?? '',
        key,
        proof: `${session?.userId ?? ''}\n${subject?.token ?? ''}`,
      }
      const going = goingFor(key)
      return kept.obtain(
        place,
        () => get(wanted, going),
        () => whyNotExchanged(wanted) ?? pausedBy(going),
      )
    },
    [Symbol.dispose]() {
      for (const each of following) each[Symbol.dispose]()
    },
  }
}

const TOO_MANY_AT_ONCE: Failure = {
  lack: 'upstream-token-unavailable',
  why: 'too many are asked for at once',
}

/** What has ended can not be exchanged. */
function whyNotExchanged({ terms, subject, session }: Wanted): Failure | undefined {
  if (!isForUser(terms) || subject?.isGood === true) return undefined
  return session?.tokens.refreshToken === undefined
    ? { lack: 'upstream-token-sign-in', why: 'the token to exchange has expired' }
    : {
        lack: 'upstream-token-unavailable',
        why: 'the token to exchange has expired and could not be renewed',
      }
}

/** It lives from when it was asked for: the answer took its time. */
function issuedTo(
  { termsKey, session }: Wanted,
  { value, lifetimeMs }: Issued,
  { begunAt, serial }: Pick<UpstreamToken, 'begunAt' | 'serial'>,
): UpstreamToken {
  const endsAt = begunAt + lifetimeMs
  return {
    value,
    serial,
    termsKey,
    sessionId: session?.id ?? '',
    userId: session?.userId ?? '',
    begunAt,
    renewAt: endsAt - Math.min(RENEW_BEFORE_MS, lifetimeMs / 2),
    goodUntil: endsAt - Math.min(LEAST_LEFT_MS, lifetimeMs / 4),
  }
}

function ownAuthentication(terms: UpstreamTokenTerms): TokenEndpoint['authenticate'] | undefined {
  const { client_id, client_secret: secret, client_authentication: how } = terms
  if (client_id === undefined || secret === undefined) return undefined
  const method = how === 'client_secret_post' ? ClientSecretPost : ClientSecretBasic
  const authenticate = method(secret.reveal())
  return (form, headers) => authenticate({ issuer: '' }, { client_id }, form, headers)
}

/** What is asked for in between has a deadline of its own, and a longer one. */
async function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(new HttpFailure('no answer in time'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Whatever else was thrown is a bug. */
function failureFrom(error: unknown, signal: AbortSignal): Failure {
  const why = signal.aborted ? 'no answer in time' : reasonOf(error)
  if (error instanceof HttpFailure) return { lack: 'upstream-token-unavailable', why, isOfIssuer: true }
  if (!(error instanceof Fault)) throw error
  const isDown = error.code === 'IDP_UNREACHABLE'
  return { lack: isDown ? 'upstream-token-unavailable' : 'upstream-token-invalid', why, isOfIssuer: true }
}

/** The same for terms that ask the same: where the token goes to, and who does without, is no part of it. */
export function keyOfTerms({ header: _header, optional: _optional, ...terms }: UpstreamTokenTerms): string {
  const text = JSON.stringify([terms, terms.client_secret?.reveal()])
  return createHash('sha256').update(text).digest('base64url')
}
