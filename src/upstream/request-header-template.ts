/**
 * The values of `set_request_headers`, which may refer to the request and to who makes it.
 *
 * @module
 */

import type { PresentedCertificate } from '../access/credentials/client-certificate/verifier.ts'
import type { Route } from '../config/config.ts'
import { Fault } from '../errors.ts'
import type { TokenName } from './session-tokens.ts'

/** What references stand for, in one request. Each is asked for only when it is written. */
export interface TemplateValues {
  accessToken(): string
  idToken(): string
  assertionJwt(): string
  certificate(): PresentedCertificate | undefined
  requestHeader(name: string): string
}

export interface HeaderTemplate {
  /** Lower-case names of the request headers that it refers to. */
  readonly requestHeaders: readonly string[]
  readonly isJwtReferred: boolean
  /** Tokens of the identity provider that it refers to. */
  readonly idpTokens: readonly TokenName[]
  render(values: TemplateValues): string
}

type Part = (values: TemplateValues) => string

const REFERENCE = /\$(?:(\$)|\{([^}]*)\}|([a-z_][\w.]*(?:\[(?:"[^"]*"|'[^']*')\])?))/gi
const REQUEST_HEADER = /^pomerium\.request\.headers\[(?:"([^"]+)"|'([^']+)')\]$/i

/**
 * config/ has judged the text already; what it lets through and this does not know is a mistake of ours.
 *
 * @throws {Fault} `CONFIG_INVALID`
 */
function compileTemplate(text: string): HeaderTemplate {
  const parts: Part[] = []
  const requestHeaders: string[] = []
  const idpTokens: TokenName[] = []
  let isJwtReferred = false
  let from = 0
  for (const match of text.matchAll(REFERENCE)) {
    const literal = text.slice(from, match.index)
    if (literal !== '') parts.push(() => literal)
    from = match.index + match[0].length
    const name = match[2] ?? match[3]
    if (name === undefined) {
      parts.push(() => '$')
      continue
    }
    const header = REQUEST_HEADER.exec(name)
    const headerName = (header?.[1] ?? header?.[2])?.toLowerCase()
    if (headerName !== undefined) {
      requestHeaders.push(headerName)
      parts.push((values) => values.requestHeader(headerName))
    } else {
      isJwtReferred ||= name === 'pomerium.jwt'
      if (name === 'pomerium.access_token') idpTokens.push('access_token')
      if (name === 'pomerium.id_token') idpTokens.push('id_token')
      parts.push(partFor(name))
    }
  }
  const tail = text.slice(from)
  if (tail !== '') parts.push(() => tail)
  return {
    requestHeaders,
    isJwtReferred,
    idpTokens,
    render: (values) => parts.map((part) => part(values)).join(''),
  }
}

type NamedTemplate = readonly [header: string, template: HeaderTemplate]

const compiled = new WeakMap<Route, readonly NamedTemplate[]>()

/** Those of a route, under the lower-case names of their headers. */
export function templatesOf(route: Route): readonly NamedTemplate[] {
  let templates = compiled.get(route)
  if (templates === undefined) {
    templates = Object.entries(route.set_request_headers ?? {}).map(([header, text]) => [
      header.toLowerCase(),
      compileTemplate(text),
    ])
    compiled.set(route, templates)
  }
  return templates
}

function partFor(name: string): Part {
  switch (name) {
    case 'pomerium.access_token':
      return (values) => values.accessToken()
    case 'pomerium.id_token':
      return (values) => values.idToken()
    case 'pomerium.jwt':
      return (values) => values.assertionJwt()
    case 'pomerium.client_cert_fingerprint':
      return (values) => values.certificate()?.fingerprint ?? ''
    case 'pomerium.client_cert_san_dns':
      return (values) => listOf(values.certificate()?.sanDns)
    case 'pomerium.client_cert_san_email':
      return (values) => listOf(values.certificate()?.sanEmail)
    default:
      throw new Fault('CONFIG_INVALID', `set_request_headers: "$${name}" is not known`)
  }
}

/** A name with a comma would look like two. */
function listOf(names: readonly string[] = []): string {
  return names.filter((name) => !name.includes(',')).join(',')
}
