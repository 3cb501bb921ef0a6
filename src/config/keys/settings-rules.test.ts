import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settingsProblems } from '../problems.fixture.ts'

const IDP = ['idp_provider: oidc', 'idp_client_id: a', 'idp_client_secret: b']
const URLS = [
  'idp_provider_url: https://idp.example.com',
  'authenticate_service_url: https://auth.example.com',
]

describe('the global keys', () => {
  for (const { title, lines, wrong } of [
    { title: 'may describe an identity provider whole', lines: [...IDP, ...URLS], wrong: [] },
    {
      title: 'do not describe half an identity provider',
      lines: ['idp_provider: oidc'],
      wrong: [
        'idp_provider: needs `idp_client_id` beside it',
        'idp_provider: needs `idp_client_secret` beside it',
        'idp_provider: needs `idp_provider_url` beside it',
        'idp_provider: needs `authenticate_service_url` beside it',
      ],
    },
    {
      title: 'name the kind of identity provider',
      lines: ['idp_client_id: a'],
      wrong: ['idp_client_id: needs `idp_provider` beside it; use `oidc` for any OpenID provider'],
    },
    {
      title: 'know the issuer of Google',
      lines: ['idp_provider: google', ...IDP.slice(1), ...URLS.slice(1)],
      wrong: [],
    },
    {
      title: 'reach an identity provider over TLS',
      lines: [...IDP, 'idp_provider_url: http://idp.example.com', ...URLS.slice(1)],
      wrong: [
        'idp_provider_url: must be an https URL; plain http is for a provider on this machine only, unless `idp_allow_insecure_http: true` stands beside it, for a provider on a private network that you trust',
      ],
    },
    {
      title: 'reach an identity provider without TLS where the file says that it may',
      lines: [
        ...IDP,
        'idp_provider_url: http://keycloak:8080/realms/main',
        'idp_allow_insecure_http: true',
        ...URLS.slice(1),
      ],
      wrong: [],
    },
    {
      title: 'reach each further provider over TLS, whatever may be plain elsewhere',
      lines: [
        ...IDP,
        'idp_provider_url: http://keycloak:8080/realms/main',
        'idp_allow_insecure_http: true',
        ...URLS.slice(1),
        'sign_in_providers:',
        '  partners: { provider: oidc, provider_url: "http://partner:8080", client_id: a, client_secret: b }',
        '  plain: { provider: oidc, provider_url: "http://plain:8080", client_id: a, client_secret: b, allow_insecure_http: true }',
      ],
      wrong: [
        'sign_in_providers.partners.provider_url: must be an https URL; plain http is for a provider on this machine only, unless `allow_insecure_http: true` stands beside it, for a provider on a private network that you trust',
      ],
    },
    {
      title: 'may reach one on this machine without TLS',
      lines: [...IDP, 'idp_provider_url: http://idp.localhost:9000', ...URLS.slice(1)],
      wrong: [],
    },
    {
      title: 'say what to do about a sign-in that is hosted by others',
      lines: ['idp_provider: hosted', ...IDP.slice(1), ...URLS],
      wrong: [
        'idp_provider: the value "hosted" is not supported: there is no hosted sign-in; run your own provider and use `oidc`',
      ],
    },
    {
      title: 'ask for what GitHub knows, where it is GitHub',
      lines: ['idp_provider: github', ...IDP.slice(1), ...URLS.slice(1), 'idp_scopes: [user:email]'],
      wrong: [],
    },
    {
      title: 'never redirect to another host for an escaped slash',
      lines: [
        'path_with_escaped_slashes_action: unescape_and_redirect',
        'merge_slashes: false',
        'normalize_path: false',
      ],
      wrong: [
        'merge_slashes: cannot be false beside `path_with_escaped_slashes_action: unescape_and_redirect`, which would then redirect to other hosts',
        'normalize_path: cannot be false beside `path_with_escaped_slashes_action: unescape_and_redirect`, which would then redirect to other hosts',
      ],
    },
    {
      title: 'may redirect for one where slashes are merged',
      lines: ['path_with_escaped_slashes_action: unescape_and_redirect'],
      wrong: [],
    },
    {
      title: 'ask for openid',
      lines: [...IDP, ...URLS, 'idp_scopes: [email, "a b"]'],
      wrong: ['idp_scopes: must hold "openid"', 'idp_scopes[1]: is not a scope'],
    },
    {
      title: 'sign in on an https origin',
      lines: ['authenticate_service_url: http://auth.example.com'],
      wrong: [
        'authenticate_service_url: must be an https URL: its cookies are sent over TLS only; write the URL that browsers see if a proxy before ends TLS',
      ],
    },
    {
      title: 'sign in on an origin without a path',
      lines: ['authenticate_service_url: https://auth.example.com/x'],
      wrong: ['authenticate_service_url: must be an origin only, without a path, query or user name'],
    },
    {
      title: 'name cookies by tokens',
      lines: ['cookie_name: "a=b"'],
      wrong: ["cookie_name: must be a token: letters, digits and !#$%&'*+-.^_`|~ only"],
    },
    {
      title: 'do not ask browsers for what they refuse',
      lines: ['cookie_name: __Host-session', 'cookie_domain: example.com'],
      wrong: ['cookie_name: begins with "__Host-", which browsers refuse together with `cookie_domain`'],
    },
    {
      title: 'share cookies over a domain that holds the sign-in pages',
      lines: ['cookie_domain: .Example.com', 'authenticate_service_url: https://auth.example.org'],
      wrong: ['cookie_domain: does not hold the host of `authenticate_service_url`, auth.example.org'],
    },
    {
      title: 'do not share cookies over a whole top-level domain',
      lines: ['cookie_domain: com'],
      wrong: ['cookie_domain: must be a domain of at least two labels, such as "example.com"'],
    },
    {
      title: 'name claim headers that can be headers',
      lines: ['jwt_claims_headers: [email, "https://example.com/role"]'],
      wrong: [
        'jwt_claims_headers: "X-Pomerium-Claim-https://example.com/role" is not a header name; name it yourself in a map of header → claim',
      ],
    },
    {
      title: 'do not let a claim become the Host header',
      lines: ['jwt_claims_headers: {host: email, X-A: a, x-a: b}'],
      wrong: [
        'jwt_claims_headers: "host" cannot be set or removed; use host_rewrite or preserve_host_header',
        'jwt_claims_headers: the header "x-a" stands twice',
      ],
    },
    {
      title: 'name log fields that exist, each once',
      lines: ['access_log_fields: [methd, path, path, body, headers.X-Y]', 'authorize_log_fields: [emial]'],
      wrong: [
        'access_log_fields[0]: there is no log field "methd"; did you mean "method"?',
        'access_log_fields[2]: "path" stands twice',
        'access_log_fields[3]: the log field "body" is not supported yet; leave it out',
        'authorize_log_fields[0]: there is no log field "emial"; did you mean "email"?',
      ],
    },
    {
      title: 'say false, not no',
      lines: ['insecure_server: no'],
      wrong: ['insecure_server: must be true or false; "no" is a text in YAML'],
    },
    {
      title: 'choose among words',
      lines: ['log_level: warning', 'codec_type: http3'],
      wrong: [
        'log_level: must be one of trace, debug, info, warn, error; did you mean "warn"?',
        'codec_type: the value "http3" is not supported yet: use `auto`',
      ],
    },
    {
      title: 'know the flags that will come',
      lines: ['runtime_flags: {match_any_incoming_port: false, mcp: true, mach: 1}'],
      wrong: [
        'runtime_flags.mcp: is not supported yet: remove the flag',
        'runtime_flags.mach: is not a known key',
      ],
    },
  ]) {
    it(title, () => assert.deepEqual(settingsProblems(...lines), wrong))
  }
})
