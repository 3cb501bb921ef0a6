/**
 * Authelia's configuration as one of ours. Authelia stays as the identity provider, if it is to.
 *
 * @module
 */
import { isIP } from 'node:net'
import { isKeyed } from '../../../config/file/yaml-file.ts'
import { isHostName } from '../../../config/values/host-name.ts'
import { type Draft, type DraftSetting, FILL_IN, type Remarks, UNKNOWN_UPSTREAM } from '../draft.ts'
import { at, readAccessControl, textsOf } from './read.ts'
import { type RuledRoute, routesFor } from './rules.ts'

const UNITS: Readonly<Record<string, number>> = {
  s: 1,
  second: 1,
  m: 60,
  minute: 60,
  h: 3600,
  hour: 3600,
  d: 86_400,
  day: 86_400,
  w: 604_800,
  week: 604_800,
  M: 2_592_000,
  month: 2_592_000,
  y: 31_536_000,
  year: 31_536_000,
}

/** In seconds; `undefined` for what is no duration. */
export function secondsOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return undefined
  const parts = [...value.matchAll(/(\d+)\s*([A-Za-z]+)?\s*(?:and)?\s*/g)]
  if (parts.length === 0 || parts.map(([text]) => text).join('') !== value) return undefined
  let seconds = 0
  for (const [, count, unit = 's'] of parts) {
    const size = UNITS[unit] ?? UNITS[unit.replace(/s$/, '').toLowerCase()]
    if (size === undefined) return undefined
    seconds += Number(count) * size
  }
  return seconds
}

/** Sections that are about being an identity provider, which Authelia remains. */
const OF_THE_PROVIDER = [
  'authentication_backend',
  'totp',
  'webauthn',
  'duo_api',
  'password_policy',
  'regulation',
  'identity_validation',
  'notifier',
  'storage',
  'privacy_policy',
]

export function translateAuthelia(
  document: Readonly<Record<string, unknown>>,
  remarks: Remarks,
  lineOf: (path: readonly (string | number)[]) => number | undefined,
  upstreams: ReadonlyMap<string, string>,
): Draft {
  const control = readAccessControl(document, remarks, lineOf)
  const routes = routesFor(control.rules, control.defaults)
  for (const section of OF_THE_PROVIDER)
    if (document[section] !== undefined)
      remarks.add(section, 'stays with Authelia, as long as it is the identity provider', lineOf([section]))
  if (at(document, 'session', 'redis') !== undefined)
    remarks.add(
      'session.redis',
      'is not taken: sessions are in the state folder',
      lineOf(['session', 'redis']),
    )
  if (
    at(document, 'session', 'remember_me') !== undefined ||
    at(document, 'session', 'remember_me_duration') !== undefined
  )
    remarks.add('session.remember_me', 'is not taken: all sessions end alike', lineOf(['session']))
  return {
    settings: settingsOf(document, remarks, control.usesSecondFactor, lineOf),
    routes: routes.map((route) => draftRoute(route, remarks, lineOf, upstreams)),
    remarks: remarks.all,
  }
}

function settingsOf(
  document: Readonly<Record<string, unknown>>,
  remarks: Remarks,
  usesSecondFactor: boolean,
  lineOf: (path: readonly (string | number)[]) => number | undefined,
): readonly DraftSetting[] {
  const cookies = at(document, 'session', 'cookies')
  const [cookie, ...others] = Array.isArray(cookies) ? cookies : []
  const [written = ''] = textsOf(at(cookie, 'domain') ?? at(document, 'session', 'domain'))
  const named = written.replace(/^\.+/, '').toLowerCase()
  const isDomain = isHostName(named) && isIP(named) === 0
  if (!isDomain)
    remarks.add(
      'session.domain',
      `"${written}" is no domain: write yours in place of example.com. Templates must be filled in before`,
      lineOf(['session']),
    )
  const domain = isDomain ? named : 'example.com'
  const [portal] = textsOf(at(cookie, 'authelia_url'))
  if (others.length > 0)
    remarks.add(
      'session.cookies',
      'has several domains: sessions are handed to each host here, so one sign-in page serves all',
      lineOf(['session', 'cookies']),
    )
  const client = remarks.add(
    'identity_providers',
    `people sign in at an OpenID provider, and Authelia can be it. Add a client with the redirect URI https://authenticate.${domain}/oauth2/callback and the scopes openid, profile, email and groups. Put its id and secret here`,
    lineOf(['identity_providers']),
  )
  const factor = usesSecondFactor
    ? [
        remarks.add(
          'two_factor',
          'is asked for as the claim amr with the value mfa. Let the provider put it into the ID token, and set authorization_policy: two_factor for the client. Without it nobody passes',
        ),
      ]
    : []
  const issuer =
    portal === undefined || !URL.canParse(portal) ? `https://auth.${domain}` : new URL(portal).origin
  const session = at(document, 'session')
  const expiration = secondsOf(at(session, 'expiration') ?? '1h')
  const inactivity = secondsOf(at(session, 'inactivity') ?? '5m')
  for (const [key, value] of [
    ['expiration', expiration],
    ['inactivity', inactivity],
  ] as const)
    if (value === undefined)
      remarks.add(`session.${key}`, 'is no duration: the default of Authelia is taken', lineOf(['session']))
  return [
    { key: 'authenticate_service_url', value: `https://authenticate.${domain}`, notes: [] },
    { key: 'idp_provider', value: 'oidc', notes: [client, ...factor] },
    { key: 'idp_provider_url', value: issuer, notes: [] },
    { key: 'idp_client_id', value: FILL_IN, notes: [] },
    { key: 'idp_client_secret', value: FILL_IN, notes: [] },
    { key: 'idp_scopes', value: ['openid', 'profile', 'email', 'groups'], notes: [] },
    { key: 'cookie_expire', value: `${expiration ?? 3600}s`, notes: [] },
    ...((inactivity ?? 300) > 0
      ? [
          {
            key: 'session_idle_timeout',
            value: `${Math.min(inactivity ?? 300, expiration ?? 3600)}s`,
            notes: [],
          },
        ]
      : []),
    { key: 'jwt_claims_headers', value: CLAIM_HEADERS, notes: ['The headers that Authelia gives to apps.'] },
    { key: 'pass_identity_headers', value: true, notes: [] },
  ]
}

const CLAIM_HEADERS = {
  'Remote-User': 'preferred_username',
  'Remote-Name': 'name',
  'Remote-Email': 'email',
  'Remote-Groups': 'groups',
}

function draftRoute(
  route: RuledRoute,
  remarks: Remarks,
  lineOf: (path: readonly (string | number)[]) => number | undefined,
  upstreams: ReadonlyMap<string, string>,
): Draft['routes'][number] {
  const { host, regex, policy, rules, notes } = route
  const to = upstreams.get(host)
  const told = notes.map(({ rule, text }) =>
    remarks.add(
      rule === 0 ? 'access_control.default_policy' : `access_control.rules[${rule - 1}]`,
      `on ${host}: ${text}`,
      lineOf(rule === 0 ? ['access_control', 'default_policy'] : ['access_control', 'rules', rule - 1]),
    ),
  )
  const missing =
    to === undefined
      ? [
          remarks.add(
            host,
            'Authelia does not know where the app is: write it under `to`, or give --upstream',
            undefined,
          ),
        ]
      : []
  const from = rules.map((rule) => (rule === 0 ? 'the default policy' : `rule ${rule}`)).join(', ')
  return {
    notes: [
      `From ${from === '' ? 'no rule' : from}.${policy === undefined ? ' Nobody is let in.' : ''}`,
      ...told,
      ...missing,
    ],
    value: {
      from: `https://${host}`,
      ...(regex === undefined ? {} : { regex }),
      to: to ?? UNKNOWN_UPSTREAM,
      allow_websockets: true,
      preserve_host_header: true,
      ...(policy === undefined ? {} : { policy }),
    },
  }
}

export const isAuthelia = (document: unknown): boolean =>
  isKeyed(document) && isKeyed(document['access_control'])
