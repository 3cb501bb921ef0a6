/**
 * An authorizer over a real configuration and real keys, with a store and a clock that tests hold in their
 * hands.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse.ts'
import { deriveKeyring } from '../crypto/keyring.ts'
import { openSigningKeys } from '../crypto/signing-keys.ts'
import { makeReference } from '../edge/session-reference.ts'
import { loadProtos } from '../gen/protos.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import type { Session } from '../session/session.ts'
import type { SessionStore } from '../session/store.ts'
import { createLogger } from '../telemetry/log.ts'
import { createMetrics, type Meter } from '../telemetry/metrics.ts'
import { type Authorizer, createAuthorizer } from './authorizer.ts'
import type { Step } from './pipeline.ts'
import type { Ports } from './ports.ts'

export const NOW = Date.UTC(2026, 10, 23, 12)
export const IDP = 'idp-1'
export const KEYS = deriveKeyring(Buffer.alloc(32, 7))
export const SIGNING_KEYS = openSigningKeys({ derivedFrom: KEYS.signing })

const REQUEST = loadProtos('services').type('envoy.service.auth.v3.CheckRequest')
const RESPONSE = loadProtos('services').type('envoy.service.auth.v3.CheckResponse')

/** A configuration of the usual settings and these routes, as YAML or as the objects that YAML means. */
export function configOf(routes: readonly object[], settings: object = {}): Config {
  const parsed = parseConfig(
    JSON.stringify({
      authenticate_service_url: 'https://authenticate.example.com',
      idp_provider: 'oidc',
      idp_provider_url: 'https://idp.example.com',
      idp_client_id: 'sallyport',
      idp_client_secret: 'secret',
      insecure_server: true,
      // One client may have all, so that no two answers differ but for what a test is about.
      circuit_breaker_thresholds: { max_requests_per_client: 10_000 },
      ...settings,
      routes,
    }),
  )
  assert.ok('config' in parsed, JSON.stringify('problems' in parsed ? parsed.problems : []))
  return parsed.config
}

export const STAFF_ROUTE = {
  from: 'https://app.example.com',
  to: 'http://127.0.0.1:1',
  policy: [{ allow: { and: [{ groups: { has: 'staff' } }] } }],
}

export const ALICE: Session = {
  id: 'alice-session-000000000',
  idpId: IDP,
  userId: 'idp/alice',
  email: 'alice@example.com',
  name: 'Alice',
  claims: { department: ['harbour', 'tower'] },
  groups: ['staff', 'everyone'],
  issuedAt: NOW - 60_000,
  expiresAt: NOW + 3_600_000,
  tokens: {
    accessToken: 'planted-access-token',
    accessTokenExpiresAt: undefined,
    refreshToken: 'planted-refresh-token',
    idToken: 'planted-id-token',
    idTokenExpiresAt: undefined,
  },
  version: 1,
}

export const BOB: Session = {
  ...ALICE,
  id: 'bob-session-00000000000',
  userId: 'idp/bob',
  email: 'bob@example.com',
  name: 'Bob',
  groups: ['guests'],
}

/** A cookie of a domain has no prefix. */
const cookieNameFor = (audience: string) => (audience === 'example.com' ? '_pomerium' : '__Host-_pomerium')

export function referenceOf(session: Session, audience = 'app.example.com'): string {
  return makeReference({ sessionId: session.id, audience, cookieName: cookieNameFor(audience) }, KEYS.cookie)
}

export const cookieOf = (session: Session, audience = 'app.example.com') =>
  `${cookieNameFor(audience)}=${referenceOf(session, audience)}`

/** Sessions in a map; what no check asks for is not there. */
export class MapStore implements SessionStore {
  readonly sessions = new Map<string, Session>()
  readonly #listeners = new Set<(id: string) => void>()
  /** Answers as promises, as a store over the network does. */
  isLate = false
  /** Thrown by `find`. */
  error: Error | undefined

  constructor(...sessions: readonly Session[]) {
    for (const session of sessions) this.sessions.set(session.id, session)
  }

  find(id: string): Session | undefined | Promise<Session | undefined> {
    if (this.isLate) return this.error ? Promise.reject(this.error) : Promise.resolve(this.sessions.get(id))
    if (this.error) throw this.error
    return this.sessions.get(id)
  }

  /** When each was used last. */
  readonly touched = new Map<string, number>()
  readonly idleTimes = new Map<string, number>()

  touch({ id }: Session, at: number): void {
    this.touched.set(id, at)
  }

  idleTimeOf({ id }: Session): number | Promise<number> {
    const idleTime = this.idleTimes.get(id) ?? 0
    return this.isLate ? Promise.resolve(idleTime) : idleTime
  }

  readonly isClockInDoubt = false
  readonly problem = undefined

  deleteAll(): never {
    throw new Error('not for checks')
  }

  idleSince(): never {
    throw new Error('not for checks')
  }

  put(session: Session): void {
    this.sessions.set(session.id, session)
    for (const listener of this.#listeners) listener(session.id)
  }

  delete(id: string): boolean {
    const isDeleted = this.sessions.delete(id)
    for (const listener of this.#listeners) listener(id)
    return isDeleted
  }

  onChange(listener: (id: string) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) }
  }

  get count(): number {
    return this.sessions.size
  }

  save(): never {
    throw new Error('not for checks')
  }

  list(): never {
    throw new Error('not for checks')
  }

  dueForRefresh(): never {
    throw new Error('not for checks')
  }

  withOldClaims(): never {
    throw new Error('not for checks')
  }

  claimOnce(): never {
    throw new Error('not for checks')
  }

  sweep(): never {
    throw new Error('not for checks')
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A JSON object, such as a log line or the payload of an assertion. */
export function objectOf(json: string): Record<string, unknown> {
  const value: unknown = JSON.parse(json)
  assert.ok(typeof value === 'object' && value !== null)
  return { ...value }
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of `headers`, as Envoy sends them with `encode_raw_headers`. */
  readonly rawHeaders?: readonly (readonly [string, string | Buffer])[]
  readonly routeId?: string
  readonly sourceAddress?: string
}

export interface Answer {
  readonly isAllowed: boolean
  /** 0 when allowed. */
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly removed: readonly string[]
  readonly body: string
}

interface DecodedHeaders {
  readonly headers?: readonly { readonly header: { readonly key: string; readonly value?: string } }[]
}

interface Decoded {
  readonly status?: { readonly code?: number }
  readonly ok_response?: DecodedHeaders & { readonly headers_to_remove?: readonly string[] }
  readonly denied_response?: DecodedHeaders & {
    readonly status: { readonly code: number }
    readonly body?: string
  }
}

export function encodeAsk(ask: Ask, routeId: string): Buffer {
  const { method = 'GET', path = '/', host = 'app.example.com', sourceAddress = '192.0.2.7' } = ask
  const message = {
    attributes: {
      source: { address: { socket_address: { address: sourceAddress, port_value: 4711 } } },
      request: {
        http: {
          id: '42',
          method,
          path,
          host,
          scheme: 'https',
          protocol: 'HTTP/2',
          ...(ask.rawHeaders === undefined
            ? { headers: { 'x-request-id': 'decision-1', accept: 'text/html', ...ask.headers } }
            : {
                header_map: {
                  headers: ask.rawHeaders.map(([key, value]) => ({ key, raw_value: Buffer.from(value) })),
                },
              }),
        },
      },
      context_extensions: { route_id: ask.routeId ?? routeId },
    },
  }
  return Buffer.from(REQUEST.encode(REQUEST.fromObject(message)).finish())
}

export function decodeAnswer(bytes: Buffer): Answer {
  const decoded = RESPONSE.toObject(RESPONSE.decode(bytes)) as Decoded
  const { ok_response: ok, denied_response: denied } = decoded
  assert.ok((ok === undefined) !== (denied === undefined), 'exactly one kind of answer')
  assert.equal((decoded.status?.code ?? 0) === 0, ok !== undefined, 'status and answer agree')
  const entries = (ok ?? denied)?.headers ?? []
  return {
    isAllowed: ok !== undefined,
    status: denied?.status.code ?? 0,
    headers: Object.fromEntries(entries.map(({ header }) => [header.key, header.value ?? ''])),
    removed: ok?.headers_to_remove ?? [],
    body: denied?.body ?? '',
  }
}

export interface Fixture extends Disposable {
  readonly authorizer: Authorizer
  readonly store: MapStore
  readonly clock: { now: number }
  /** Lines of the log, as objects. */
  readonly lines: Record<string, unknown>[]
  /** Lines that say who a session was. */
  readonly subjects: Record<string, unknown>[]
  config: Config
  change(config: Config): void
  bytes(ask?: Ask): Promise<Buffer>
  ask(ask?: Ask): Promise<Answer>
}

export function authorizerFor(
  config: Config,
  options: {
    readonly steps?: readonly Step[]
    readonly ports?: Partial<Ports & { readonly meter: Meter }>
    readonly store?: MapStore
  } = {},
): Fixture {
  const { store = new MapStore(ALICE, BOB) } = options
  const clock = { now: NOW }
  const lines: Record<string, unknown>[] = []
  const subjects: Record<string, unknown>[] = []
  const listeners = new Set<(config: Config) => void>()
  const { logger } = createLogger({
    level: 'info',
    destination: {
      write(text) {
        const line = objectOf(text)
        ;(line['msg'] === 'authorize subject' ? subjects : lines).push(line)
      },
    },
  })
  const ports: Ports & { meter: ReturnType<typeof createMetrics>['meter'] } = {
    config: {
      get current() {
        return fixture.config
      },
      onGeneration(listener) {
        listeners.add(listener)
        return { [Symbol.dispose]: () => listeners.delete(listener) }
      },
    },
    policyOf,
    sessions: store,
    keys: KEYS,
    signingKeys: SIGNING_KEYS,
    idpIdsFor: () => [IDP],
    refreshNow: () => Promise.resolve(),
    now: () => clock.now,
    logger,
    meter: createMetrics().meter,
    ...options.ports,
  }
  const fixture = {
    config,
    store,
    clock,
    lines,
    subjects,
    change(next: Config) {
      fixture.config = next
      for (const listener of listeners) listener(next)
    },
    async bytes(ask: Ask = {}) {
      return authorizer.check(encodeAsk(ask, fixture.config.routes[0]?.id ?? ''))
    },
    async ask(ask: Ask = {}) {
      return decodeAnswer(await fixture.bytes(ask))
    },
  }
  const authorizer = createAuthorizer(ports, options.steps)
  return { ...fixture, authorizer, [Symbol.dispose]: () => authorizer[Symbol.dispose]() }
}
