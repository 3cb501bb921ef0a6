/**
 * Global keys of what policies may look up beside what the identity provider says: records and places.
 *
 * Only the names are judged here. What the files hold is read while the proxy runs (identity/lookups), so
 * that a broken export does not keep the configuration from being edited.
 *
 * @module
 */

import { z } from 'zod'
import { shownText } from '../../../shown-url.ts'
import { Duration, PositiveDuration } from '../../values/duration.ts'
import { HEADER_NAME } from '../../values/header.ts'
import { SecretText } from '../../values/reference.ts'

/** Often enough for a list of people, and rare enough for whoever serves it. */
const SHORTEST_INTERVAL_MS = 30_000

const RECORD_TYPE = /^[a-z][a-z0-9_.-]{0,63}$/

const LookupUrl = z.string().superRefine((text, context) => {
  const url = URL.parse(text)
  const wrong =
    url === null
      ? `"${shownText(text)}" is not a URL`
      : url.protocol !== 'https:' && !isOfThisMachine(url)
        ? 'must be an https URL; plain http is for this machine only'
        : url.username !== '' || url.password !== ''
          ? 'may not hold a password; send it in `headers`'
          : undefined
  if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
})

function isOfThisMachine({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

const maxAge = Duration.optional().meta({
  description:
    'How old the last good copy may become. Older, and what it says is unknown, which allows nobody. Unset: `24h` for a URL, any age for a file that is read where it lies.',
  examples: ['24h'],
})

const RecordSource = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'File of JSON or CSV, relative to the configuration file; watched.',
        examples: ['data/employees.csv'],
      }),
    url: LookupUrl.optional().meta({
      description: 'Address that answers with JSON or CSV; asked again every `poll_interval`.',
      examples: ['https://hr.example.com/export.json'],
    }),
    format: z.enum(['json', 'csv']).optional().meta({
      description: 'Form of the file. Unset: by its ending, or by `Content-Type`.',
    }),
    key: z.enum(['user.id', 'user.email', 'request.ip', 'request.client_certificate.fingerprint']).meta({
      description:
        'Fact of a request by which its row is found. For `request.ip` the rows may hold ranges; the narrowest counts.',
      examples: ['user.email'],
    }),
    key_field: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'Column, or member of each object, that holds the key. Unset: the last word of `key`.',
        examples: ['email'],
      }),
    headers: z
      .record(z.string().regex(HEADER_NAME, 'is not a header name'), SecretText)
      .optional()
      .meta({
        description: 'Request headers for `url`, such as a token; `env:NAME` and `file:path` work.',
        examples: [{ Authorization: 'env:HR_AUTHORIZATION' }],
      }),
    poll_interval: PositiveDuration.refine((ms) => ms >= SHORTEST_INTERVAL_MS, 'must be at least 30s')
      .optional()
      .meta({ description: 'Time between two questions to `url`. Unset: `10m`.' }),
    max_age: maxAge,
  })
  .superRefine((source, context) => {
    const fail = (path: string, message: string) =>
      context.addIssue({ code: 'custom', message, path: path === '' ? [] : [path] })
    if ((source.path === undefined) === (source.url === undefined)) fail('', 'needs one of `path` and `url`')
    for (const key of ['headers', 'poll_interval'] as const)
      if (source[key] !== undefined && source.url === undefined) fail(key, 'is for a `url`')
    if (source.path !== undefined && source.format === undefined && !/\.(?:json|csv)$/i.test(source.path))
      fail('path', 'ends neither in .json nor in .csv; say which by `format`')
  })

export const lookups = {
  records: z
    .record(z.string(), RecordSource)
    .superRefine((sources, context) => {
      for (const type of Object.keys(sources).filter((name) => !RECORD_TYPE.test(name)))
        context.addIssue({
          code: 'custom',
          message:
            'is not a record type: lower-case letters, digits, "_", "-" and ".", beginning with a letter',
          path: [type],
        })
    })
    .optional()
    .meta({
      description:
        'Tables that the criterion `record` looks into: type → source. A row is found by one fact of the request.',
      examples: [{ employees: { path: 'data/employees.csv', key: 'user.email' } }],
    }),
  geoip: z
    .strictObject({
      databases: z
        .array(z.string().min(1))
        .min(1)
        .meta({
          description:
            'MaxMind DB files (`.mmdb`), relative to the configuration file; watched. What one does not know of an address the next may.',
          examples: [['GeoLite2-City.mmdb', 'GeoLite2-ASN.mmdb']],
        }),
      max_age: Duration.optional().meta({
        description:
          'How long after the day it was made a file may be used. Older, and places are unknown, which allows nobody. Unset: any age.',
        examples: ['720h'],
      }),
    })
    .optional()
    .meta({ description: 'Where addresses are, for the criterion `geoip`.' }),
}
