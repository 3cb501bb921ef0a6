/**
 * Keys of a route that say which requests it takes, where they go and how path and host change on the way.
 *
 * @module
 */

import { z } from 'zod'
import type { Mistake } from '../../mistake.ts'
import { HeaderName, HeaderValue } from '../../values/header.ts'
import { Authority, HostName, parseAuthority } from '../../values/host-name.ts'
import { From, type Origin } from '../../values/origin.ts'
import { isPlainTarget } from '../../values/plain-target.ts'
import { Re2 } from '../../values/regex.ts'
import { Upstreams } from '../../values/upstream.ts'
import { mistake } from '../rule.ts'

/** Envoy refuses a longer body of a direct response unless the limit is raised. */
const LONGEST_BODY = 4096

const Path = HeaderValue.refine((path) => path.startsWith('/'), 'must start with "/"')
const TargetPath = Path.refine(
  isPlainTarget,
  'may not hold an empty segment, a dot segment, a backslash or an escaped slash',
)
const MatchedPath = Path.refine(
  (path) => !/[?#]/.test(path),
  'may not hold "?" or "#": the query is not part of the path',
)

const RedirectStatus = z.union(
  [z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)],
  {
    error: 'must be one of 301, 302, 303, 307, 308',
  },
)

const Redirect = z.strictObject({
  https_redirect: z.boolean().optional().meta({ description: 'Redirect to https.' }),
  scheme_redirect: z.enum(['http', 'https']).optional().meta({ description: 'Scheme to redirect to.' }),
  host_redirect: HostName.optional().meta({
    description: 'Host to redirect to.',
    examples: ['new.example.com'],
  }),
  port_redirect: z.int().min(1).max(65_535).optional().meta({ description: 'Port to redirect to.' }),
  path_redirect: TargetPath.optional().meta({
    description: 'Path that replaces the whole path; may carry a query.',
  }),
  prefix_rewrite: TargetPath.optional().meta({ description: 'Path that replaces the matched prefix.' }),
  response_code: RedirectStatus.optional().meta({ description: 'Status of the redirect; unset: 301.' }),
  strip_query: z.boolean().optional().meta({ description: 'Drop the query; unset: false.' }),
})

const DirectResponse = z.strictObject({
  status: z
    .int()
    .min(200)
    .max(599)
    .meta({ description: 'HTTP status.', examples: [200] }),
  body: z
    .string()
    .refine((body) => Buffer.byteLength(body) <= LONGEST_BODY, `may have at most ${LONGEST_BODY} bytes`)
    .optional()
    .meta({ description: 'Text of the answer, at most 4096 bytes.' }),
})

/** An additional login host: `host`, `host:port`, or a URL, of which the host is kept. */
const LoginHost = z.string().transform((text, context) => {
  const url = text.includes('/') ? URL.parse(text) : undefined
  const authority = url === undefined ? text : (url?.host ?? '')
  if (authority !== '' && parseAuthority(authority) !== undefined) return authority.toLowerCase()
  context.addIssue({ code: 'custom', message: `"${text}" is not a host name, with or without a port` })
  return z.NEVER
})

export const matching = {
  from: From.meta({
    description:
      'Public origin that users open. `*` in the host stands for any text; exact hosts win over wildcards. Without a port any port matches. Envoy `VirtualHost.domains`.',
    examples: ['https://wiki.example.com', 'https://*.apps.example.com'],
  }),
  to: Upstreams.optional().meta({
    description:
      'Upstream URL, or a list of them, each with an optional weight after a comma. Schemes http, https, h2c, unix, https+unix. A path is put in front of the request path. Envoy `Cluster.load_assignment`.',
    examples: ['http://wiki:8080', ['https://a.internal,10', 'https://b.internal,20']],
  }),
  redirect: Redirect.optional().meta({
    description:
      'Answer with a redirect instead of an upstream; the policy is judged first. Envoy `RedirectAction`.',
  }),
  response: DirectResponse.optional().meta({
    description:
      'Answer with this text instead of an upstream; the policy is judged first. Envoy `DirectResponseAction`.',
  }),
  prefix: MatchedPath.optional().meta({
    description:
      'Paths that start so; `/admin` matches `/administrator` too. Envoy `RouteMatch.prefix`. Unset: all.',
    examples: ['/admin/'],
  }),
  path: MatchedPath.optional().meta({
    description: 'Exactly this path. Wins over `prefix`. Envoy `RouteMatch.path`.',
    examples: ['/healthz'],
  }),
  regex: Re2.optional().meta({
    description:
      'Paths that match as a whole, in RE2. Wins over `path` and `prefix`. Envoy `RouteMatch.safe_regex`.',
    examples: ['/(en|de)/.*'],
  }),
  regex_priority_order: z.int().optional().meta({
    description: 'Kept for routes that arrive over the API; routes of a file keep the order of the file.',
  }),
  depends_on: z
    .array(LoginHost)
    .max(5, 'may name at most 5 hosts')
    .optional()
    .meta({
      description: 'Hosts that the user is signed in to together with this one, in this order; at most 5.',
      examples: [['api.example.com']],
    }),
}

export const pathReading = {
  allow_escaped_slashes: z.boolean().optional().meta({
    description:
      'Lets paths with `%2F` through, as npm, GitLab and RabbitMQ send them, with `path_with_escaped_slashes_action: reject_request`. Rules on paths judge them as an escape and as a slash. Unset: false.',
  }),
  paths_as_written: z.boolean().optional().meta({
    description:
      'The app reads `;`, escapes and empty segments as nothing but text. Rules and routes then judge a path by its letters alone. An app that does cut off `;x` or undo escapes can be asked for what a rule denies. Unset: false.',
  }),
}

export const rewriting = {
  prefix_rewrite: TargetPath.optional().meta({
    description:
      'Replaces the matched prefix or path. If it or `prefix` ends in a slash, whole segments are replaced: `/grafana` by `/` makes `/login` of `/grafana/login`, and `/grafanaX` is not found. Envoy `RouteAction.prefix_rewrite`.',
    examples: ['/'],
  }),
  regex_rewrite_pattern: Re2.optional().meta({
    description:
      'RE2 pattern within the path that is replaced. Paths over 8 KB are refused, and so are those of over 350 characters that it matches at very many places. Envoy `RouteAction.regex_rewrite.pattern`.',
    examples: ['^/service/([^/]+)(/.*)$'],
  }),
  regex_rewrite_substitution: HeaderValue.optional().meta({
    description:
      'What replaces it; `\\1` stands for the first group. Envoy `RouteAction.regex_rewrite.substitution`.',
    examples: ['\\2/instance/\\1'],
  }),
  host_rewrite: Authority.optional().meta({
    description: 'Host header that the upstream gets. Envoy `RouteAction.host_rewrite_literal`.',
  }),
  host_rewrite_header: HeaderName.optional().meta({
    description:
      'Request header whose value becomes the Host header. Envoy `RouteAction.host_rewrite_header`.',
  }),
  host_path_regex_rewrite_pattern: Re2.optional().meta({
    description:
      'RE2 pattern on the path from which the Host header is made. Envoy `RouteAction.host_rewrite_path_regex.pattern`.',
  }),
  host_path_regex_rewrite_substitution: HeaderValue.optional().meta({
    description:
      'The Host header, with `\\1` for groups. Envoy `RouteAction.host_rewrite_path_regex.substitution`.',
  }),
  preserve_host_header: z.boolean().optional().meta({
    description: 'The upstream gets the Host header of the user agent. Unset: the host of `to`.',
  }),
}

/** A route need not sign its users in to itself. */
export function additionalHostsAreOthers({
  origin,
  depends_on: hosts = [],
}: {
  readonly origin: Origin
  readonly depends_on?: readonly string[] | undefined
}): Mistake[] {
  return hosts.flatMap((host, index) => {
    const authority = parseAuthority(host)
    const isOwn = authority?.host === origin.host && (authority.port ?? 443) === (origin.port ?? 443)
    return isOwn ? [mistake(['depends_on', index], 'is the host of this very route')] : []
  })
}
