/**
 * Which fields the access log and the decision log may have.
 *
 * @module
 */

import { z } from 'zod'
import { HEADER_NAME } from '../values/header.ts'
import { nearest } from '../values/nearest.ts'

export const DEFAULT_ACCESS_LOG_FIELDS = [
  'upstream-cluster',
  'method',
  'authority',
  'path',
  'user-agent',
  'referer',
  'forwarded-for',
  'request-id',
  'duration',
  'size',
  'response-code',
  'response-code-details',
] as const

const ACCESS_LOG_FIELDS = [
  ...DEFAULT_ACCESS_LOG_FIELDS,
  'client-certificate',
  'cluster-stat-name',
  'ip',
  'query',
] as const

export const DEFAULT_AUTHORIZE_LOG_FIELDS = [
  'request-id',
  'check-request-id',
  'method',
  'path',
  'host',
  'ip',
  'session-id',
  'impersonate-session-id',
  'impersonate-user-id',
  'impersonate-email',
  'removed-groups-count',
  'service-account-id',
  'user',
  'email',
  'envoy-route-id',
  'route-checksum',
  'route-id',
  'config-checksum',
  'subject',
  'inputs',
] as const

const AUTHORIZE_LOG_FIELDS = [
  ...DEFAULT_AUTHORIZE_LOG_FIELDS,
  'client-certificate',
  'headers',
  'identity-header-bytes',
  'query',
] as const

/** Fields of features that are still to come, or that would put a token into the log. */
const LATER_FIELDS = [
  'envoy-route-checksum',
  'cluster-stat-name',
  'body',
  'id-token',
  'id-token-claims',
  'mcp-method',
  'mcp-tool',
  'mcp-tool-parameters',
]

function fieldsOf(known: readonly string[]) {
  return z.array(z.string()).superRefine((fields, context) => {
    for (const [index, field] of fields.entries()) {
      const wrong =
        problemOf(field, known) ?? (fields.indexOf(field) === index ? undefined : `"${field}" stands twice`)
      if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong, path: [index] })
    }
  })
}

function problemOf(field: string, known: readonly string[]): string | undefined {
  if (field.startsWith('headers.') && HEADER_NAME.test(field.slice('headers.'.length))) return undefined
  if (known.includes(field)) return undefined
  if (LATER_FIELDS.includes(field)) return `the log field "${field}" is not supported yet; leave it out`
  const close = nearest(field, known)
  return `there is no log field "${field}"${close === undefined ? '' : `; did you mean "${close}"?`}`
}

export const AccessLogFields = fieldsOf(ACCESS_LOG_FIELDS)
export const AuthorizeLogFields = fieldsOf(AUTHORIZE_LOG_FIELDS)
