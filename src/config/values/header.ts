/**
 * Header names, values and maps that Envoy will take.
 *
 * @module
 */

import { z } from 'zod'

/** RFC 9110 section 5.1: a field name is a token. */
export const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** RFC 9110 section 5.5, without obs-text: visible ASCII, space, tab and UTF-8 beyond it. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN_IN_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/

/** What is wrong with a header name, or undefined. */
function headerNameProblem(name: string): string | undefined {
  if (name.startsWith(':')) return `"${name}" is a pseudo-header, which cannot be set or removed`
  if (!HEADER_NAME.test(name)) return `"${name}" is not a header name`
  return undefined
}

/** As above, and not a header that Envoy keeps to itself or that frames the message. */
export function changeableHeaderProblem(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (lower === 'host') return `"${name}" cannot be set or removed; use host_rewrite or preserve_host_header`
  if (lower === 'content-length' || lower === 'transfer-encoding') {
    return `"${name}" frames the message and cannot be set or removed`
  }
  return headerNameProblem(name)
}

/** Envoy takes 16 KiB, and a value may grow to twice its length when its `%` are doubled. */
const LONGEST_VALUE = 8192

/** Text that may stand in a header value or a rewritten path: no control characters. */
export const HeaderValue = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= LONGEST_VALUE, `may have at most ${LONGEST_VALUE} bytes`)
  .refine((text) => !FORBIDDEN_IN_VALUE.test(text), 'may not hold control characters such as line breaks')

export const HeaderName = z.string().superRefine((name, context) => {
  const wrong = headerNameProblem(name)
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

export const ChangeableHeaderName = z.string().superRefine((name, context) => {
  const wrong = changeableHeaderProblem(name)
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

/** Where an upstream gets a token; after `Bearer ` in `Authorization`, alone in any other. */
export const TokenHeader = ChangeableHeaderName.refine(
  (name) => name.toLowerCase() !== 'cookie',
  '"Cookie" cannot hold a token',
)
  .default('Authorization')
  .meta({
    description: 'Request header that carries it: in `Authorization` after `Bearer `, in any other alone.',
    examples: ['X-Access-Token'],
  })

/** A number or a boolean is what YAML makes of `X-Frame: 1`; the operator meant the text. */
const ScalarHeaderValue = z
  .union([z.string(), z.number(), z.boolean()], { error: 'must be a text' })
  .transform(String)
  .pipe(HeaderValue)

function headersOf(problemOf: (name: string) => string | undefined) {
  return z.record(z.string(), ScalarHeaderValue).superRefine((headers, context) => {
    const seen = new Map<string, string>()
    for (const name of Object.keys(headers)) {
      const twin = seen.get(name.toLowerCase())
      const wrong =
        problemOf(name) ?? (twin === undefined ? undefined : `"${name}" and "${twin}" are one header`)
      if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong, path: [name] })
      seen.set(name.toLowerCase(), name)
    }
  })
}

/** The word that `set_response_headers` takes instead of a header: nothing is set. */
export const DISABLE = 'disable'

export const ResponseHeaders = headersOf((name) =>
  name.toLowerCase() === DISABLE ? undefined : changeableHeaderProblem(name),
)

/** What `$pomerium.…` may stand for in `set_request_headers`. */
const TEMPLATE_REFERENCE =
  /^(?:pomerium\.(?:access_token|id_token|jwt|client_cert_(?:fingerprint|san_dns|san_email))|pomerium\.request\.headers\[(?:"[^"]+"|'[^']+')\])$/

/** What is wrong with the `$` references of a request header template, or undefined. */
function templateProblem(template: string): string | undefined {
  const reference = /\$(?:\$|\{([^}]*)\}|([a-z_][\w.]*(?:\[(?:"[^"]*"|'[^']*')\])?)|(\{))/gi
  for (const [whole, braced, bare, unclosed] of template.matchAll(reference)) {
    if (unclosed !== undefined) return '"${" is not closed; write "$$" for a dollar sign'
    const name = braced ?? bare
    if (name === undefined || TEMPLATE_REFERENCE.test(name)) continue
    return `"${whole}" is not known; there are $pomerium.access_token, $pomerium.id_token, $pomerium.jwt, $pomerium.client_cert_fingerprint, $pomerium.client_cert_san_dns, $pomerium.client_cert_san_email and $pomerium.request.headers["Name"], and "$$" for a dollar sign`
  }
  return undefined
}

export const RequestHeaders = headersOf(changeableHeaderProblem).superRefine((headers, context) => {
  for (const [name, template] of Object.entries(headers)) {
    const wrong = templateProblem(template)
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong, path: [name] })
  }
})
