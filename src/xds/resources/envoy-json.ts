/**
 * Small pieces of Envoy's JSON form.
 *
 * @module
 */

import type { Json } from '../ads/pack.ts'

export type Fields = { readonly [key: string]: Json | undefined }

/** Milliseconds as a `google.protobuf.Duration`. */
export const duration = (ms: number): string => `${ms / 1000}s`

const TYPE = 'type.googleapis.com/'

/** An extension: `{name, typed_config: {'@type', …}}`. */
export const extension = (name: string, message: string, config: Fields = {}): Fields => ({
  name,
  typed_config: typed(message, config),
})

export const typed = (message: string, config: Fields = {}): Fields => ({
  '@type': `${TYPE}${message}`,
  ...config,
})

/** "Ask the stream that you got this from." */
export const FROM_ADS: Fields = { ads: {}, resource_api_version: 'V3' }

/** The same, waiting as long as it takes: a listener without its routes would answer 404 to everybody. */
export const FROM_ADS_FOR_SURE: Fields = { ...FROM_ADS, initial_fetch_timeout: '0s' }

export const socketAddress = (host: string, port: number): Fields => ({
  socket_address: { address: host, port_value: port },
})

/** Header values are format strings to Envoy; ours are meant as they stand. */
export const literal = (text: string): string => text.replaceAll('%', '%%')

export const setHeader = (
  key: string,
  value: string,
  action: 'OVERWRITE_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' = 'OVERWRITE_IF_EXISTS_OR_ADD',
): Fields => ({ header: { key, value: literal(value) }, append_action: action })

/** HTTP/1.1 header names keep the case that the peer wrote; HTTP/2 knows lower case only. */
export const KEEP_HEADER_CASE: Fields = {
  header_key_format: {
    stateful_formatter: extension(
      'preserve_case',
      'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
    ),
  },
}

/** What may wait in memory for a slow peer, per connection. */
export const CONNECTION_BUFFER_BYTES = 32_768

/** Text as a regular expression of RE2 that matches just it. */
export const escapeRegex = (text: string): string => text.replace(/[.+*?^${}()|[\]\\]/g, String.raw`\$&`)
