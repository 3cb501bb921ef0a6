/**
 * oauth2-proxy's configuration as one of ours.
 *
 * @module
 */
import { isKeyed } from '../../../config/file/yaml-file.ts'
import { isHostName } from '../../../config/values/host-name.ts'
import type { Draft, DraftRoute, DraftSetting } from '../draft.ts'
import { peopleOf } from './people.ts'
import { providerOf } from './provider.ts'
import { type GivenSettings, keyOf } from './read.ts'
import { type ImportedUpstream, openPathsOf, upstreamsOf } from './upstreams.ts'

const CLAIM_HEADERS = {
  'X-Forwarded-User': 'sub',
  'X-Forwarded-Email': 'email',
  'X-Forwarded-Groups': 'groups',
  'X-Forwarded-Preferred-Username': 'preferred_username',
}

/** Keys that are read, or that are about what is done here anyway. */
const KNOWN = new Set(
  `acr_values allowed_groups allowed_roles api_routes approval_prompt auth_logging auth_logging_format authenticated_emails_file azure_tenant
  client_id client_secret client_secret_file code_challenge_method cookie_csrf_expire cookie_csrf_per_request cookie_domains cookie_expire cookie_httponly cookie_name cookie_path
  cookie_refresh cookie_samesite cookie_secret cookie_secret_file cookie_secure email_domains exclude_logging_path exclude_logging_paths flush_interval force_https
  footer gitlab_group http_address https_address insecure_oidc_allow_unverified_email keycloak_groups logging_compress
  logging_filename logging_local_time logging_max_age logging_max_backups logging_max_size oidc_email_claim oidc_extra_audiences
  oidc_groups_claim oidc_issuer_url pass_host_header pass_user_headers ping_path ping_user_agent prompt provider provider_display_name proxy_websockets
  ready_path redirect_url request_logging request_logging_format reverse_proxy scope session_store_type silence_ping_logging skip_auth_regex
  skip_auth_routes skip_provider_button ssl_upstream_insecure_skip_verify standard_logging standard_logging_format tls_cert_file tls_key_file upstream_timeout upstreams user_id_claim`.split(
    /\s+/,
  ),
)

/** What is lost, or done in another way, where the key is set. */
const TOLD: Readonly<Record<string, string>> = {
  alpha_config: 'names a further file: give it with --with',
  banner: 'is not taken: see the keys about pages in the reference',
  basic_auth_password: 'is not taken: apps get headers or a signed assertion instead of a password',
  config: 'names a further file: give it with --with',
  cookie_secret: 'is not taken: `shared_secret` is made at the first start',
  custom_sign_in_logo: 'is not taken: see the keys about pages in the reference',
  custom_templates_dir: 'is not taken: pages are written here',
  extra_jwt_issuers:
    'are not taken: write them under `identity_providers`, and `bearer_token_format: jwt` on their routes',
  footer: 'is not taken',
  insecure_oidc_skip_issuer_verification: 'is not taken: the issuer is always compared',
  insecure_oidc_skip_nonce: 'is not taken: the nonce is always compared',
  login_url: 'is not taken: endpoints come from the metadata of the issuer',
  oidc_jwks_url: 'is not taken: keys come from the metadata of the issuer',
  pass_basic_auth: 'is not taken: apps get headers or a signed assertion instead of a password',
  profile_url: 'is not taken: endpoints come from the metadata of the issuer',
  real_client_ip_header: 'is not taken: set `xff_num_trusted_hops`',
  redeem_url: 'is not taken: endpoints come from the metadata of the issuer',
  redis_connection_url: 'is not taken: sessions are in the state folder',
  resource: 'is not taken',
  response_headers: 'is not taken: use `set_response_headers`',
  session_cookie_minimal: 'is not needed: cookies hold a reference only',
  show_debug_on_error: 'is not taken: pages name the decision id instead',
  skip_claims_from_profile_url: 'is not taken: claims are asked for at the userinfo endpoint, too',
  session_store_type: 'is not taken: sessions are in the state folder',
  set_authorization_header:
    'is for a proxy that asks oauth2-proxy; here Envoy is that proxy, and apps get headers by `set_request_headers`',
  set_xauthrequest:
    'is for a proxy that asks oauth2-proxy; here Envoy is that proxy, and apps get the X-Forwarded-… headers',
  signature_key: 'is not taken: `X-Pomerium-Jwt-Assertion` is signed instead',
  skip_auth_strip_headers: 'is not needed: headers of our names are always taken off',
  skip_oidc_discovery: 'is not taken: the issuer must have metadata',
  ssl_insecure_skip_verify: 'is not taken: name the authority of the provider under `certificate_authority`',
  validate_url: 'is not taken: tokens are verified by the keys of the issuer',
  whitelist_domains: 'is not needed: sign-ins end at hosts of routes only',
}

export interface ImportGiven {
  readonly upstreams: ReadonlyMap<string, string>
  readonly host?: string | undefined
}

export function translateOauth2Proxy(given: GivenSettings, { upstreams: named, host }: ImportGiven): Draft {
  const { remarks } = given
  const provider = providerOf(given)
  const origin = originOf(given, host)
  const target = named.get(new URL(origin.value).hostname)
  const upstreams = upstreamsOf(given).map((upstream) =>
    target === undefined || upstream.target['to'] === undefined
      ? upstream
      : { ...upstream, target: { ...upstream.target, to: target } },
  )
  const people = peopleOf(given, provider.groups, provider.roles)
  const common = commonOf(given)
  const openPaths = openPathsOf(given, upstreams)
  const routes = [
    ...openPaths.map((open) => ({
      notes: open.notes,
      value: {
        from: origin.value,
        regex: open.regex,
        ...open.upstream.target,
        ...common,
        policy: [
          { allow: { and: [open.method === undefined ? { accept: true } : { http_method: open.method }] } },
          ...(open.method === undefined ? [] : (people.policy ?? [])),
        ],
      },
    })),
    ...upstreams.map((upstream) => draftRoute(upstream, origin.value, common, people)),
  ]
  tellRest(given)
  return {
    settings: [
      { key: 'authenticate_service_url', value: origin.value, notes: origin.notes },
      ...provider.settings,
      ...settingsOf(given),
    ],
    routes,
    remarks: remarks.all,
  }
}

function draftRoute(
  { match, target, notes }: ImportedUpstream,
  from: string,
  common: Readonly<Record<string, unknown>>,
  people: ReturnType<typeof peopleOf>,
): DraftRoute {
  return {
    notes: [...people.notes, ...notes, ...(people.policy === undefined ? ['Nobody is let in.'] : [])],
    value: {
      from,
      ...match,
      ...target,
      ...common,
      ...(people.policy === undefined ? {} : { policy: people.policy }),
    },
  }
}

const one = ({ values }: GivenSettings, key: string): string | undefined => values.get(key)?.values[0]
const isOn = (given: GivenSettings, key: string): boolean => one(given, key) === 'true'

/** The app and the sign-in pages have one host, and the provider knows it by the redirect URI. */
function originOf(
  given: GivenSettings,
  host: string | undefined,
): { value: string; notes: readonly string[] } {
  const { remarks } = given
  const url = URL.parse(one(given, 'redirect_url') ?? '')
  const listed = given.values.get('whitelist_domains')?.values.find((name) => isHostName(name))
  const name = host ?? (url === null || !isHostName(url.hostname) ? listed : undefined)
  if (name !== undefined || url === null || !isHostName(url.hostname)) {
    const text = 'is not known: write the host of the app in place of app.example.com, or give --host'
    const notes = name === undefined ? [remarks.add('redirect_url', text)] : []
    return { value: `https://${name ?? 'app.example.com'}`, notes }
  }
  const notes: string[] = []
  if (url.pathname !== '/oauth2/callback')
    notes.push(
      remarks.add(
        'redirect_url',
        'has another path: register the redirect URI with the path /oauth2/callback at the provider',
      ),
    )
  if (url.protocol === 'http:')
    notes.push(remarks.add('redirect_url', 'is plain HTTP: here users come by https://'))
  return { value: `https://${url.protocol === 'http:' ? url.hostname : url.host}`, notes }
}

/** Keys that are the same on all routes. */
function commonOf(given: GivenSettings): Readonly<Record<string, unknown>> {
  const { remarks, values } = given
  const headers: Record<string, string> = {
    ...(isOn(given, 'pass_access_token') ? { 'X-Forwarded-Access-Token': '$pomerium.access_token' } : {}),
    ...(isOn(given, 'pass_authorization_header') ? { Authorization: 'Bearer $pomerium.id_token' } : {}),
    ...headersOf(given).tokens,
  }
  const acr = (one(given, 'acr_values') ?? '').split(/\s+/).filter((value) => value !== '')
  if (values.has('trusted_ips'))
    remarks.add(
      'trusted_ips',
      'are not taken: write a rule with `source_ip` if addresses alone are to open the app',
    )
  return {
    ...(isOn(given, 'skip_auth_preflight') ? { cors_allow_preflight: true } : {}),
    ...(isOn(given, 'skip_jwt_bearer_tokens') ? { bearer_token_format: 'idp_identity_token' } : {}),
    ...(acr.length === 0 ? {} : { acr_values: acr }),
    ...(Object.keys(headers).length === 0 ? {} : { set_request_headers: headers }),
  }
}

/** Those of the newer structure. */
function headersOf({ alpha, remarks }: GivenSettings): {
  readonly claims: Readonly<Record<string, string>>
  readonly tokens: Readonly<Record<string, string>>
} {
  const listed = alpha?.['injectRequestHeaders']
  const claims: Record<string, string> = {}
  const tokens: Record<string, string> = {}
  for (const [index, entry] of (Array.isArray(listed) ? listed : []).entries()) {
    const at = `injectRequestHeaders[${index}]`
    if (!isKeyed(entry) || typeof entry['name'] !== 'string') continue
    const sources: readonly unknown[] = Array.isArray(entry['values']) ? entry['values'] : []
    const [source, another] = sources
    const claim = isKeyed(source)
      ? (source['claim'] ?? (isKeyed(source['claimSource']) ? source['claimSource']['claim'] : undefined))
      : undefined
    const prefix = isKeyed(source) && typeof source['prefix'] === 'string' ? source['prefix'] : ''
    if (
      another !== undefined ||
      typeof claim !== 'string' ||
      (isKeyed(source) && source['basicAuthPassword'] !== undefined)
    ) {
      remarks.add(at, `the header ${entry['name']} is not made of one claim: it is left out`)
    } else if (claim === 'access_token' || claim === 'id_token')
      tokens[entry['name']] = `${prefix}$pomerium.${claim}`
    else if (prefix !== '') remarks.add(at, `the header ${entry['name']} has a prefix: it is left out`)
    else claims[entry['name']] = claim === 'user' ? 'sub' : claim
  }
  return { claims, tokens }
}

function settingsOf(given: GivenSettings): readonly DraftSetting[] {
  const { remarks, values, alpha } = given
  const settings: DraftSetting[] = []
  const set = (key: string, value: unknown, ...notes: readonly string[]) =>
    settings.push({ key, value, notes })
  const certificate = one(given, 'tls_cert_file')
  const key = one(given, 'tls_key_file')
  if (certificate !== undefined && key !== undefined) set('certificates', [{ cert: certificate, key }])
  else if (values.has('http_address') || isOn(given, 'reverse_proxy')) {
    const address = /^(?:http:\/\/)?((?:\[[\d:a-f]*\]|[\d.]*):\d+)$/.exec(
      one(given, 'http_address') ?? '',
    )?.[1]
    const note = 'listens on plain HTTP as before: only behind something that ends TLS'
    set('insecure_server', true, remarks.add('http_address', note))
    set('address', address ?? '127.0.0.1:4180')
  }
  if (isOn(given, 'reverse_proxy'))
    remarks.add(
      'reverse_proxy',
      'set `xff_num_trusted_hops` to the number of proxies in front, if addresses of clients matter',
    )
  const [domain, ...others] = (values.get('cookie_domains')?.values ?? []).filter((text) => text !== '')
  if (domain !== undefined && domain.replace(/^\./, '').includes('.'))
    remarks.add(
      'cookie_domains',
      'is not taken: each host has a cookie of its own here, and people need not sign in anew. `cookie_domain` would share one',
    )
  if (others.length > 0) remarks.add('cookie_domains', 'are several: that needs no key here')
  const expire = one(given, 'cookie_expire')
  set('cookie_expire', expire === undefined || /^0[smh]?$/.test(expire) ? '168h' : expire)
  const site = one(given, 'cookie_samesite')?.toLowerCase()
  if (site === 'lax' || site === 'strict' || site === 'none') set('cookie_same_site', site)
  if (one(given, 'cookie_httponly') === 'false') set('cookie_http_only', false)
  if (one(given, 'cookie_secure') === 'false')
    remarks.add('cookie_secure', 'is not taken: cookies are always Secure')
  const claims =
    alpha === undefined
      ? one(given, 'pass_user_headers') === 'false'
        ? {}
        : CLAIM_HEADERS
      : headersOf(given).claims
  if (Object.keys(claims).length > 0) {
    set('jwt_claims_headers', claims)
    set('pass_identity_headers', true)
  }
  return settings
}

/** No key is passed over in silence. */
function tellRest({ values, remarks, alpha }: GivenSettings): void {
  for (const [key, { values: given }] of values) {
    if (given.every((text) => text === '' || text === 'false')) continue
    const told = TOLD[key]
    if (told !== undefined) remarks.add(key, told)
    else if (key === 'proxy_prefix' && given[0] !== '/oauth2')
      remarks.add(key, 'is not taken: pages are under /.pomerium/, and the callback is /oauth2/callback')
    else if (!KNOWN.has(key) && !HANDLED_ELSEWHERE.has(key))
      remarks.add(key, 'is not known, and was not taken')
  }
  for (const name of Object.keys(alpha ?? {}))
    if (!['providers', 'upstreamConfig', 'injectRequestHeaders'].includes(name))
      remarks.add(
        name,
        name === 'injectResponseHeaders'
          ? 'is for a proxy that asks oauth2-proxy; here Envoy is that proxy'
          : 'is not taken: see `address` and `certificates`',
      )
}

const HANDLED_ELSEWHERE = new Set(
  [
    'pass-access-token',
    'pass-authorization-header',
    'skip-auth-preflight',
    'skip-jwt-bearer-tokens',
    'trusted-ips',
    'proxy-prefix',
    'github-org',
    'github-team',
    'github-repo',
    'github-user',
    'github-users',
    'bitbucket-team',
    'bitbucket-repository',
    'gitlab-projects',
    'google-groups',
    'google-group',
  ].map(keyOf),
)
