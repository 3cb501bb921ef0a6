import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { routeProblems } from '../problems.fixture.ts'

describe('the keys of one route', () => {
  for (const { title, lines, wrong } of [
    {
      title: 'name one target',
      lines: ['to: http://a', 'redirect: {https_redirect: true}'],
      wrong: ['redirect: cannot stand beside `to`: a route has one target'],
    },
    {
      title: 'rewrite the path in one way',
      lines: ['prefix_rewrite: /', 'regex_rewrite_pattern: a', 'regex_rewrite_substitution: b'],
      wrong: ['regex_rewrite_pattern: cannot stand beside `prefix_rewrite`: a path is rewritten in one way'],
    },
    {
      title: 'do not name users of a public route',
      lines: [
        'allow_public_unauthenticated_access: true',
        'allowed_users: [a@b.c]',
        'allow_any_authenticated_user: true',
      ],
      wrong: [
        'allowed_users: has no effect on a route with `allow_public_unauthenticated_access: true`; remove one of them',
        'allow_any_authenticated_user: has no effect on a route with `allow_public_unauthenticated_access: true`; remove one of them',
      ],
    },
    {
      title: 'do not name users of a route for any user',
      lines: ['allow_any_authenticated_user: true', 'allowed_domains: [b.c]'],
      wrong: [
        'allowed_domains: has no effect on a route with `allow_any_authenticated_user: true`; remove one of them',
      ],
    },
    {
      title: 'may say false beside users',
      lines: ['allow_any_authenticated_user: false', 'allowed_domains: [b.c]'],
      wrong: [],
    },
    {
      title: 'redirect somewhere, in one way',
      lines: [
        'redirect: {https_redirect: true, scheme_redirect: https, path_redirect: /a, prefix_rewrite: /b}',
      ],
      wrong: [
        'redirect.scheme_redirect: cannot stand beside `https_redirect`',
        'redirect.prefix_rewrite: cannot stand beside `path_redirect`',
      ],
    },
    {
      title: 'redirect with a status that redirects',
      lines: ['redirect: {host_redirect: a.b, response_code: 305}'],
      wrong: ['redirect.response_code: must be one of 301, 302, 303, 307, 308'],
    },
    {
      title: 'redirect to more than a status',
      lines: ['redirect: {response_code: 302}'],
      wrong: [
        'redirect: says nothing about where to; give `host_redirect`, `path_redirect` or another of its keys',
      ],
    },
    {
      title: 'redirect to a port that exists',
      lines: ['redirect: {port_redirect: 65536}'],
      wrong: ['redirect.port_redirect: must be at most 65535'],
    },
    {
      title: 'answer with a status and a body that Envoy takes',
      lines: [`response: {status: 600, body: ${'a'.repeat(4097)}}`],
      wrong: ['response.status: must be at most 599', 'response.body: may have at most 4096 bytes'],
    },
    {
      title: 'match paths that requests can have',
      lines: ['prefix: admin', 'path: /a?b=c'],
      wrong: [
        'prefix: must start with "/"',
        'path: may not hold "?" or "#": the query is not part of the path',
      ],
    },
    {
      title: 'name at most five additional login hosts',
      lines: ['depends_on: [a, b, c, d, e, f]'],
      wrong: ['depends_on: may name at most 5 hosts'],
    },
    {
      title: 'name additional login hosts as hosts',
      lines: ['depends_on: ["https://a.example.com/x", a/b, "a:0", "*.a"]'],
      wrong: [
        'depends_on[1]: "a/b" is not a host name, with or without a port',
        'depends_on[2]: "a:0" is not a host name, with or without a port',
        'depends_on[3]: "*.a" is not a host name, with or without a port',
      ],
    },
    {
      title: 'do not sign in to their own host',
      lines: ['depends_on: [app.example.com]'],
      wrong: ['depends_on[0]: is the host of this very route'],
    },
    {
      title: 'give a client certificate whole',
      lines: ['tls_client_cert_file: a.pem'],
      wrong: [
        'tls_client_cert_file: needs `tls_client_key` or `tls_client_key_file` beside it',
        'tls_client_cert_file: cannot read the file a.pem: files cannot be read here',
      ],
    },
    {
      title: 'give each value once',
      lines: ['tls_custom_ca: x', 'tls_custom_ca_file: y'],
      wrong: ['tls_custom_ca_file: cannot stand beside `tls_custom_ca`; give one of them'],
    },
    {
      title: 'probe by gRPC over HTTP/2 only',
      lines: [
        'health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, grpc_health_check: {}}]',
      ],
      wrong: [
        'health_checks[0].grpc_health_check: needs an upstream that speaks HTTP/2: use h2c:// or https:// in `to`',
      ],
    },
    {
      title: 'probe by gRPC where no upgrade makes the upstream HTTP/1.1',
      lines: [
        'to: https://a',
        'allow_websockets: true',
        'health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, grpc_health_check: {}}]',
      ],
      wrong: [
        'health_checks[0].grpc_health_check: needs HTTP/2, but where upgrades are allowed the upstream is spoken to in HTTP/1.1',
      ],
    },
    {
      title: 'allow upgrades where the upstream speaks HTTP/1.1',
      lines: ['to: h2c://a', 'allow_websockets: true', 'allow_upgrades: [foo]', 'allow_spdy: false'],
      wrong: [
        'allow_websockets: needs an upstream that speaks HTTP/1.1: use http:// or https:// in `to`, not h2c://',
        'allow_upgrades: needs an upstream that speaks HTTP/1.1: use http:// or https:// in `to`, not h2c://',
      ],
    },
    {
      title: 'probe with a body where the method has one',
      lines: [
        'health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: {path: /, send: {text: "70"}}}]',
      ],
      wrong: ['health_checks[0].http_health_check.send: needs a `method` that has a body, such as POST'],
    },
    {
      title: 'probe in one way, often enough and with all that Envoy needs',
      lines: [
        'health_checks: [{timeout: 0s, interval: 1s, unhealthy_threshold: -1, interval_jitter_percent: 101}]',
      ],
      wrong: [
        'health_checks[0].healthy_threshold: is missing',
        'health_checks[0].timeout: must be longer than zero',
        'health_checks[0].unhealthy_threshold: must be at least 0',
        'health_checks[0].interval_jitter_percent: must be at most 100',
      ],
    },
    {
      title: 'probe in one way',
      lines: ['health_checks: [{timeout: 1s, interval: 1s, unhealthy_threshold: 1, healthy_threshold: 1}]'],
      wrong: [
        'health_checks[0]: needs exactly one of http_health_check, tcp_health_check and grpc_health_check',
      ],
    },
    {
      title: 'order the times of an ejection',
      lines: ['outlier_detection: {max_ejection_time: 20s}'],
      wrong: ['outlier_detection.max_ejection_time: must not be below base_ejection_time (30s when unset)'],
    },
    {
      title: 'keep shares within a hundred per cent',
      lines: ['outlier_detection: {max_ejection_percent: 101}', 'healthy_panic_threshold: -1'],
      wrong: [
        'outlier_detection.max_ejection_percent: must be at most 100',
        'healthy_panic_threshold: must be at least 0',
      ],
    },
    {
      title: 'allow upgrades that are safe, each once',
      lines: ['allow_upgrades: [SPDY/3.1, WebSocket, h2c, CONNECT, "a b", a/b/c]'],
      wrong: [
        'allow_upgrades[2]: "h2c" cannot be allowed: it would let a client speak to the app past the checks',
        'allow_upgrades[3]: "CONNECT" is not supported yet: tunnels have routes of their own',
        'allow_upgrades[4]: "a b" is not an upgrade token',
        'allow_upgrades[5]: "a/b/c" is not an upgrade token',
      ],
    },
    {
      title: 'allow each upgrade once',
      lines: ['allow_upgrades: [websocket, WebSocket]'],
      wrong: ['allow_upgrades[1]: "websocket" stands twice in the list'],
    },
    {
      title: 'take counts that fit into 32 bits',
      lines: ['circuit_breaker_thresholds: {max_requests: 4294967296, max_retries: 1.5}'],
      wrong: [
        'circuit_breaker_thresholds.max_requests: must be at most 4294967295',
        'circuit_breaker_thresholds.max_retries: must be a whole number',
      ],
    },
  ]) {
    it(title, () => assert.deepEqual(routeProblems(...lines).toSorted(), wrong.toSorted()))
  }
})
