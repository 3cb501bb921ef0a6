/**
 * The route that `config/routing/route-match.ts` tells from the configuration is the one that a real Envoy
 * chooses: many requests, asked of both.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooserOf } from '../../src/access/config-checks.ts'
import { type Choice } from '../../src/config/routing/route-match.ts'
import { rawHttp1 } from '../harness/raw-http.ts'
import { startUpstream } from '../harness/upstream.ts'
import { configOf, type Edge, startEdge } from './edge.ts'

const AUTHORITIES = [
  'app.example.com',
  'APP.example.com',
  'app.example.com.',
  'app.example.com:443',
  'app.example.com:80',
  'app.example.com:8443',
  'app.example.com:9000',
  'app.example.com:',
  'port.example.com',
  'port.example.com:443',
  'port.example.com:8443',
  'port.example.com:9443',
  'bare.example.com',
  'bare.example.com:80',
  'bare.example.com:443',
  'wiki.apps.example.com',
  'a.b.apps.example.com:8443',
  'exact.apps.example.com',
  'apps.example.com',
  'team-blue.example.com:7000',
  'team-blue.example.com',
  'authenticate.example.com',
  'authenticate.example.com:8443',
  'app.example.com:443.evil.com',
  'app.example.com:443:443',
  'app.example.com::443',
  'app.example.com:0',
  'app.example.com:65536',
  'a.apps.example.com:443.evil.com',
  'evil.com:a.apps.example.com',
  'authenticate.example.com:443.evil.com',
  'app.example.com..',
  'app.example.com.:443',
  'a@app.example.com',
  'elsewhere.example.org',
  '[::1]:8443',
  '[::1]',
  '127.0.0.1:8443',
]

const ODD = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).filter(
  (letter) => !'#?'.includes(letter),
)
const ESCAPES = Array.from({ length: 256 }, (_, code) => `%${code.toString(16).padStart(2, '0')}`)

const PATHS = [
  '/',
  '//',
  '///',
  '/admin',
  '/admin/',
  '/Admin/',
  '/administrator',
  '/admin?x=/healthz',
  '/admin/../healthz',
  '/admin/..',
  '/admin/.',
  '/a//../b',
  '//admin//x',
  '/healthz',
  '/healthz/',
  '/healthz?x=1',
  '/healthz#top',
  '/%68ealthz',
  '/en/page',
  '/en/',
  '/fr/page',
  '/x/en/page',
  '/pre/x',
  '/pre',
  '/pre../admin',
  '/pre..',
  '/pre.%2e',
  '/pre.x',
  '/later/twice',
  '/.pomerium',
  '/.pomerium/',
  '/.pomerium/sign_out',
  '/.pomeriumx',
  '/.well-known/pomerium/jwks.json',
  '/.well-known/acme-challenge/token',
  '/.well-known/acme-challenge/../x',
  '/x/../.pomerium/',
  '/admin/..;/healthz',
  '/admin/..;x=1/../healthz',
  '/admin/.;/x',
  '/;/admin',
  '/admin;x=1/y',
  '/admin/%2e%2e/healthz',
  '/admin/%2e%2e;/healthz',
  '/admin%2f..%2fhealthz',
  '/admin%5c..%5chealthz',
  '/admin\\..\\healthz',
  '/%2Fadmin',
  '/a%zz',
  '/%e4%b8%ad',
]

/** One for each way to find a host: settings of paths make nothing else of them. */
const FEW_AUTHORITIES = [
  'app.example.com',
  'app.example.com:8443',
  'port.example.com:9443',
  'wiki.apps.example.com',
  'exact.apps.example.com',
  'authenticate.example.com',
  'elsewhere.example.org',
]

const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  '': AUTHORITIES,
  'runtime_flags: { match_any_incoming_port: false }': AUTHORITIES,
  'path_with_escaped_slashes_action: unescape_and_forward': FEW_AUTHORITIES,
  'path_with_escaped_slashes_action: unescape_and_redirect': FEW_AUTHORITIES,
  'path_with_escaped_slashes_action: keep_unchanged': FEW_AUTHORITIES,
  'normalize_path: false': FEW_AUTHORITIES,
  'merge_slashes: false': FEW_AUTHORITIES,
}

const routesTo = (url: string) => `
routes:
  - { from: 'https://app.example.com', prefix: /admin/, to: '${url}' }
  - { from: 'https://app.example.com', path: /healthz, to: '${url}' }
  - { from: 'https://app.example.com', regex: '/(en|de)/.*', prefix: /fr, to: '${url}' }
  - { from: 'https://app.example.com', prefix: /pre, prefix_rewrite: /safe/, to: '${url}' }
  - { from: 'https://app.example.com:8443', prefix: /later, to: '${url}' }
  - { from: 'https://app.example.com', prefix: /later/twice, to: '${url}' }
  - { from: 'https://app.example.com', prefix: /admin, to: '${url}' }
  - { from: 'https://app.example.com', path: '//', to: '${url}' }
  - { from: 'https://port.example.com:8443', to: '${url}' }
  - { from: 'https://port.example.com:9443', prefix: /admin, to: '${url}' }
  - { from: 'https://bare.example.com:80', to: '${url}' }
  - { from: 'https://bare.example.com:443', prefix: /admin, to: '${url}' }
  - { from: 'https://*.apps.example.com', prefix: /admin, to: '${url}' }
  - { from: 'https://exact.apps.example.com', path: /healthz, to: '${url}' }
  - { from: 'https://*.apps.example.com:8443', to: '${url}' }
  - { from: 'https://team-*.example.com:7000', to: '${url}' }
  - { from: 'https://*.example.com', prefix: /a, to: '${url}' }
  - { from: 'https://[::1]', to: '${url}' }
  - { from: 'https://authenticate.example.com', prefix: /.well-known/acme-challenge/, to: '${url}', allow_public_unauthenticated_access: true }
  - { from: 'https://127.0.0.1', regex: '/..+', to: '${url}' }
`

/** Of an app on the host of the sign-in pages. */
const SHARED = (url: string) => `
  - { from: 'https://authenticate.example.com', prefix: /admin, to: '${url}' }
  - { from: 'https://authenticate.example.com:8443', prefix: /healthz, to: '${url}' }
  - { from: 'https://authenticate.example.com', prefix: /oauth2, to: '${url}' }
`

const SIGN_IN_PATHS = [
  ...PATHS,
  '/.pomerium',
  '/.pomerium/sign_in?x=1',
  '/.pomeriumx',
  '/.well-known/pomerium/jwks.json',
  '/oauth2/callback',
  '/oauth2/callback?code=1',
  '//oauth2/callback',
  '/admin/../oauth2/callback',
  '/oauth2/%63allback',
  '/oauth2/callback/',
  '/oauth2/Callback',
  '/oauth2%2fcallback',
]

describe('the route chosen on the host of the sign-in pages', () => {
  const ports = ['', ':443', ':8443', ':9000']
  for (const settings of ['', 'runtime_flags: { match_any_incoming_port: false }'])
    it(`is Envoy's where an app stands there, with ${settings === '' ? 'the settings unset' : settings}`, () =>
      compare(
        settings,
        (url) => `${routesTo(url)}${SHARED(url).trimStart().replace(/^/, '  ')}`,
        ports.flatMap((port) =>
          SIGN_IN_PATHS.map((path) => [`authenticate.example.com${port}`, path] as const),
        ),
      ))

  it("is Envoy's where the app names a port of its own only", () =>
    compare(
      '',
      (url) => `\nroutes:\n  - { from: 'https://authenticate.example.com:443', to: '${url}' }\n`,
      ports.flatMap((port) =>
        SIGN_IN_PATHS.map((path) => [`authenticate.example.com${port}`, path] as const),
      ),
    ))
})

describe('the route chosen for a request', () => {
  for (const [settings, authorities] of Object.entries(SETTINGS)) {
    it(`is Envoy's, with ${settings === '' ? 'the settings unset' : settings}`, () =>
      compare(settings, routesTo, [
        ...authorities.flatMap((authority) => PATHS.map((path) => [authority, path] as const)),
        ...[...ODD, ...ESCAPES].map((text) => ['127.0.0.1', `/a${text}b`] as const),
      ]))
  }
})

async function compare(
  settings: string,
  routes: (url: string) => string,
  asked: readonly (readonly [authority: string, path: string])[],
): Promise<void> {
  await using upstream = await startUpstream()
  await using edge = await startEdge({
    config: (port) =>
      configOf(
        `address: 127.0.0.1:${port}\ninsecure_server: true\nauthenticate_service_url: https://authenticate.example.com\n${settings}${routes(upstream.url)}`,
      ),
  })
  await edge.xds.whenAcked(1)
  const choose = chooserOf(edge.source.current)
  const differences: string[] = []
  for (const [authority, path] of asked) {
    const expected = summaryOf(choose({ authority, path }))
    const seen = await seenBy(edge, authority, path)
    if (expected !== seen) differences.push(`${authority} ${path}: told ${expected}, seen ${seen}`)
  }
  assert.deepEqual(differences, [])
}

function summaryOf(choice: Choice): string {
  switch (choice.kind) {
    case 'route':
      return `${choice.route.position.line} ${choice.path}`
    case 'redirect':
      return `redirect ${choice.to}`
    case 'refused':
      // The check refuses what Envoy has let in and chosen a route for; here it allows all.
      return choice.for === undefined ? choice.kind : `${choice.for.route.position.line} ${choice.for.path}`
    case 'own':
    case 'none':
      return choice.kind
  }
}

async function seenBy(edge: Edge, authority: string, path: string): Promise<string> {
  edge.authorizer.checks.length = 0
  const { status, text } = await rawHttp1(
    { port: edge.port },
    `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
  )
  const [check] = edge.authorizer.checks
  const route = edge.source.current.routes.find(({ id }) => id === check?.routeId)
  if (check !== undefined) return `${route?.position.line} ${check.path.replace(/\?.*$/, '')}`
  if (text.includes('a page of Sallyport')) return 'own'
  if (status === 307) return `redirect ${/location: (\S*)/i.exec(text)?.[1]}`
  if (status === 404) return 'none'
  return status === 400 || status === 403 ? 'refused' : `status ${status}`
}
