/**
 * Bearer tokens that requests bring, turned into sessions that are never stored.
 *
 * @module
 */

import type { Config, Route, Settings } from '../../../config/config.ts'
import { machineIssuerOf } from '../../../config/keys/credentials/machine-issuers.ts'
import { Fault } from '../../../errors.ts'
import type { TokenIdentifier, TokenProblem } from '../../../identity/provider.ts'
import { isReservedId } from '../../../identity/reserved-ids.ts'
import { MALFORMED, problem } from '../../../identity/token-problem.ts'
import { createHttpClient } from '../../../outbound/http-client.ts'
import type { Meter } from '../../../telemetry/metrics.ts'
import { type BearerSession, hashOf, workloadSession } from './bearer-session.ts'
import { openCluster } from './cluster.ts'
import { MachineTokens } from './machine-tokens.ts'
import { PersonTokens, TOO_MANY } from './person-tokens.ts'
import { TokenCache } from './token-cache.ts'

/** Larger ones are no tokens: they would not fit into the headers of most servers. */
const LONGEST_TOKEN = 16 * 1024
/** `b64token`. @see RFC 6750 section 2.1 */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
const RESERVED = problem('it is of a person whose id begins like that of a machine')
/** Less than Envoy waits for a check, so that the answer is ours. */
const ANSWER_WITHIN_MS = 5000

/** The generation in force, and word of each new one. */
interface ConfigSource {
  readonly current: Config
  onGeneration(listener: (config: Config) => void): Disposable
}

export interface BearerTokensOptions {
  readonly config: ConfigSource
  /** PEM of roots that are trusted beside the system's and the configuration's. */
  readonly trustedCa: readonly string[]
  readonly now: () => number
  readonly meter: Meter
  readonly env: Readonly<Record<string, string | undefined>>
  /** The providers whose sessions count on a route. */
  readonly providersOf: (route: Route) => readonly TokenIdentifier[]
  /** Where the pod's service account is, for tests. */
  readonly podFolder?: string
}

type BearerAnswer = BearerSession | (TokenProblem & { readonly isTooMany?: boolean })

export interface BearerTokens extends AsyncDisposable {
  /**
   * Synchronous for a token that was seen before. @throws {Fault} IDP_UNREACHABLE, IDP_ANSWER_INVALID and
   * others
   */
  session(route: Route, token: string, sourceAddress: string): BearerAnswer | Promise<BearerAnswer>
}

export function openBearerTokens(options: BearerTokensOptions): BearerTokens {
  const { config, now, providersOf } = options
  // By the provider itself: it is another one as soon as anything about it changes.
  let persons = new WeakMap<TokenIdentifier, PersonTokens>()
  const verifications = options.meter.createCounter('sallyport_bearer_verifications', {
    description: 'Requests whose bearer token had to be verified, by format and outcome.',
  })
  let workloads = openWorkloads(config.current, options)
  let key = keyOf(config.current)
  const following = config.onGeneration((next) => {
    if (keyOf(next) === key) return
    persons = new WeakMap()
    const replaced = workloads
    workloads = openWorkloads(next, options)
    key = keyOf(next)
    void replaced[Symbol.asyncDispose]()
  })

  return {
    session(route, token, sourceAddress) {
      const { settings } = config.current
      const format = route.bearer_token_format ?? settings.bearer_token_format ?? 'default'
      const answer = answerOf(route, token, sourceAddress, settings, format)
      if (!(answer instanceof Promise)) {
        if (answer === TOO_MANY) verifications.add(1, { format, outcome: 'limited' })
        return answer
      }
      answer.then(
        (found) => verifications.add(1, { format, outcome: 'problem' in found ? 'refused' : 'accepted' }),
        () => verifications.add(1, { format, outcome: 'failed' }),
      )
      return answer
    },
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      await workloads[Symbol.asyncDispose]()
    },
  }

  function answerOf(
    route: Route,
    token: string,
    sourceAddress: string,
    settings: Settings,
    format: string,
  ): BearerAnswer | Promise<BearerAnswer> {
    if (token.length > LONGEST_TOKEN) return problem('it is longer than 16 KB')
    if (!TOKEN.test(token)) return MALFORMED
    if (format === 'default') return problem('this route does not take tokens any more')
    if (format === 'jwt') return workloads.session(token, route.identity_providers, now())
    const [provider, another] = providersOf(route)
    // With several it could not be told whose token it is, and one would be shown the tokens of another.
    if (provider === undefined || another !== undefined)
      throw new Fault('IDP_NOT_CONFIGURED', 'bearer tokens need one identity provider on their route')
    const found = personsAt(provider).session({
      provider,
      kind: format === 'idp_identity_token' ? 'id_token' : 'access_token',
      token,
      audiences:
        format === 'idp_access_token'
          ? (route.idp_access_token_allowed_audiences ?? settings.idp_access_token_allowed_audiences)
          : undefined,
      sourceAddress,
      lifetimeMs: settings.cookie_expire,
    })
    const asPerson = (answer: BearerAnswer): BearerAnswer =>
      'problem' in answer || !isReservedId(answer.userId, settings.identity_providers) ? answer : RESERVED
    return found instanceof Promise ? found.then(asPerson) : asPerson(found)
  }

  function personsAt(provider: TokenIdentifier): PersonTokens {
    let found = persons.get(provider)
    if (found === undefined) persons.set(provider, (found = new PersonTokens(now)))
    return found
  }
}

/** What tokens are judged by, besides the route and the provider. */
function keyOf({ settings }: Config): string {
  return JSON.stringify([settings.identity_providers, settings.certificate_authority, settings.cookie_expire])
}

interface KeptWorkload {
  readonly issuerName: string
  readonly session: BearerSession
}

/** The issuers of one configuration, and the tokens of theirs that were seen. */
function openWorkloads({ settings }: Config, { trustedCa, now, env, podFolder }: BearerTokensOptions) {
  const { certificate_authority: ownCa, cookie_expire: lifetimeMs } = settings
  const http = createHttpClient({
    trustedCa: ownCa === undefined ? trustedCa : [...trustedCa, ownCa],
    timeoutMs: ANSWER_WITHIN_MS,
  })
  const cluster = openCluster({ env, now, ...(podFolder !== undefined && { folder: podFolder }) })
  const entries = Object.entries(settings.identity_providers ?? {})
  const tokens = new MachineTokens(
    entries.map(([name, entry]) => machineIssuerOf(name, entry)),
    { http, cluster, now },
  )
  const cache = new TokenCache<KeptWorkload>()

  return {
    session(token: string, accepted: readonly string[] | undefined, time: number) {
      const hash = hashOf(token)
      const known = cache.find(hash, time)
      if (known !== undefined) return 'problem' in known ? known : sessionOn(known, accepted)
      const issuerName = tokens.issuerNameOf(token)
      if (typeof issuerName !== 'string') return issuerName
      if (!isAccepted(issuerName, accepted)) return NOT_HERE
      return cache
        .judge(hash, () => judge(token, hash))
        .then((found) => ('problem' in found ? found : sessionOn(found, accepted)))
    },
    async [Symbol.asyncDispose]() {
      await http[Symbol.asyncDispose]()
      await cluster[Symbol.asyncDispose]()
    },
  }

  async function judge(token: string, hash: string): Promise<KeptWorkload | TokenProblem> {
    const verified = await tokens.verify(token)
    const time = now()
    if ('problem' in verified) {
      cache.refuse(hash, verified, time)
      return verified
    }
    const { issuerName } = verified
    const kept = { issuerName, session: workloadSession(verified, hash) }
    // It ends with itself; but now and then its signature is verified anew, as keys are taken back.
    cache.accept(hash, kept, time, Math.min(kept.session.expiresAt, time + lifetimeMs))
    return kept
  }
}

const NOT_HERE = problem('its issuer (iss) is not accepted on this route')

function isAccepted(issuerName: string, accepted: readonly string[] | undefined): boolean {
  return accepted === undefined || accepted.includes(issuerName)
}

function sessionOn({ issuerName, session }: KeptWorkload, accepted: readonly string[] | undefined) {
  return isAccepted(issuerName, accepted) ? session : NOT_HERE
}
