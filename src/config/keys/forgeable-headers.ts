/**
 * Request headers by which a client could pose as us, as somebody, as another proxy or as another request:
 * none may reach an upstream.
 *
 * One rule in two forms. Envoy has it as a regular expression and applies it before anything is judged; the
 * check applies it once more to what it is shown.
 *
 * By character set: many servers make one variable of `Remote-User`, `remote_user` and `remote.user` (CGI,
 * WSGI, Rack, PHP). So a name with another character than letters, digits, `-` and `_` is passed on by
 * nobody, and `_` counts as `-`. By prefix: families grow, and a list is always one release behind.
 *
 * @module
 */

/** A name is forged if it begins so. */
const FAMILIES = [
  // ours, those of days to come included
  'x-pomerium-',
  // to the API server of Kubernetes: in whose name a request is made
  'impersonate-',
  'x-remote-',
  // to Elasticsearch and OpenSearch: the same
  'es-security-runas-',
  'opendistro-security-impersonate-',
  // who the user is, in the words of other proxies: an app may listen to any of them
  'remote-',
  'x-auth-request-',
  'x-authenticated-',
  'x-authentik-',
  'x-webauth-',
  'x-proxy-user',
  'x-proxy-roles',
  'x-auth-couchdb-',
  'x-rstudio-username',
  'x-endpoint-api-userinfo',
  'x-apigateway-api-userinfo',
  'x-vouch-',
  'x-consumer-',
  'x-credential-',
  'x-anonymous-consumer',
  'x-goog-authenticated-',
  'x-goog-iap-',
  'x-appengine-',
  'x-amzn-oidc-',
  'x-amzn-mtls-',
  'x-ms-client-principal',
  'x-ms-token-',
  'x-jwt-assertion',
  'cf-access-authenticated-',
  'cf-access-jwt-',
  'tailscale-',
  'teleport-',
  'oidc-',
  'mellon-',
  'shib-',
  // which client certificate was shown
  'x-ssl-',
  'ssl-',
  'x-client-cert',
  'client-cert',
  'x-arr-',
  // where the request came from, and what it was before
  'x-forwarded-',
  'x-original-',
  'x-rewrite-',
  'x-envoy-',
  // the policy judges the method of the request line, so nothing else may say another one
  'x-http-method',
  'x-method-override',
] as const

const NAMES = [
  'x-auth-user',
  'x-auth-email',
  'x-auth-username',
  'x-auth-groups',
  'x-auth-roles',
  'x-user-principal-name',
  'x-userinfo',
  // to Apache NiFi: for whom a proxy asks
  'x-proxiedentitieschain',
  'x-proxiedentitygroups',
  'auth-user',
  'auth-type',
  'sm-user',
  'iv-user',
  'iv-groups',
  'iv-creds',
  'x-client-dn',
  'x-client-verify',
  'forwarded',
  'x-forwarded',
  'forwarded-for',
  'x-real-ip',
  'x-real-port',
  'true-client-ip',
  'x-true-client-ip',
  'client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-originating-ip',
  'x-proxyuser-ip',
  'proxy-client-ip',
  'wl-proxy-client-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'fastly-client-ip',
  'fly-client-ip',
  'do-connecting-ip',
  'x-host',
  'x-http-host-override',
  'x-scheme',
  'x-url-scheme',
  'front-end-https',
  'x-script-name',
  'script-name',
  'path-info',
  // CGI turns it into HTTP_PROXY.
  'proxy',
  // by which apps are told that a gate of their own was passed already, or where files lie
  'x-middleware-subrequest',
  'x-sendfile-type',
  'x-accel-mapping',
  'x-accel-redirect',
  'x-request-id',
] as const

/**
 * What Envoy has written itself by the time it applies the rule, over the client's; and the header in which
 * programs show a reference, which the check takes off. In exactly this spelling.
 */
const GENUINE = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-request-id',
  'x-envoy-external-address',
  'x-pomerium-authorization',
] as const

const names: ReadonlySet<string> = new Set(NAMES)
const genuine: ReadonlySet<string> = new Set(GENUINE)

/** Pseudo-headers begin with a colon, and no other name has one. */
const ODD_NAME = '[a-z0-9_-]*[^:a-z0-9_-].*'
const oddName = new RegExp(`^${ODD_NAME}$`, 's')

/** @param name as HTTP/2 has it: lower case */
export function isForgeable(name: string): boolean {
  if (genuine.has(name)) return false
  if (oddName.test(name)) return true
  const plain = withHyphens(name)
  return names.has(plain) || FAMILIES.some((family) => plain.startsWith(family))
}

/**
 * How forgeable names begin, for a first glance at many; one with another character than `a-z0-9-` needs a
 * second.
 */
export const BEGINNING_LENGTH = 4
export const BEGINNINGS: ReadonlySet<string> = new Set(
  [...FAMILIES, ...NAMES].map((name) => name.slice(0, BEGINNING_LENGTH)),
)

/** One spelling for all names that are one to some servers. */
export const withHyphens = (name: string): string => name.replaceAll('_', '-')

/**
 * The same rule for Envoy, in the syntax of RE2: matches names of headers to take off.
 *
 * @param written names that Envoy has written itself besides
 */
export function forgeablePattern(written: readonly string[] = []): string {
  const kept = [...GENUINE, ...written]
  const ofFamilies = FAMILIES.flatMap((family) => {
    const members = kept.filter((name) => name.startsWith(family))
    if (members.length === 0) return [`${loosely(family)}.*`]
    const rests = members.map((name) => name.slice(family.length))
    return [...disguised(family).map((text) => `${text}.*`), family + noneOf(rests)]
  })
  const single = NAMES.flatMap((name) => (kept.includes(name) ? disguised(name) : [loosely(name)]))
  return [ODD_NAME, ...ofFamilies, ...single].join('|')
}

const loosely = (text: string): string => text.replaceAll('-', '[-_]')

/** Spelled with at least one `_` for a `-`. */
const disguised = (text: string): readonly string[] =>
  [...text.matchAll(/-/g)].map(({ index }) => `${text.slice(0, index)}_${loosely(text.slice(index + 1))}`)

/** RE2 has no "not": any text but these, letter by letter. */
function noneOf(texts: readonly string[]): string {
  const groups = Map.groupBy(
    texts.filter((text) => text !== ''),
    (text) => text.charAt(0),
  )
  const inside = [...groups].map(([letter, some]) => letter + noneOf(some.map((text) => text.slice(1))))
  const outside =
    groups.size === 0 ? '.+' : `[^${[...groups.keys()].join('').replace('-', String.raw`\-`)}].*`
  return `(?:${[...(texts.includes('') ? [] : ['']), outside, ...inside].join('|')})`
}
