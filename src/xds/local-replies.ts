/**
 * What Envoy says when it answers by itself: a page for people, a line of text for programs, each with what to do.
 *
 * Answers of the check are local replies to Envoy too; they carry their own pages, so each mapper asks for the
 * response flag of the trouble it is for.
 *
 * @see Envoy `HttpConnectionManager.local_reply_config`
 * @module
 */

import { html } from '../transport/html.ts'
import { PAGE_HEADERS, renderPage } from '../transport/page.ts'
import { type Fields, literal, setHeader } from './envoy-json.ts'

interface Trouble {
  readonly status: number
  /** Envoy's short names; none where the request could not even be read. */
  readonly flags: readonly string[]
  readonly heading: string
  readonly message: string
  /** Status that the asker gets, if another. */
  readonly told?: number
}

const TROUBLES: readonly Trouble[] = [
  {
    status: 404,
    flags: ['NR'],
    heading: 'Nothing is here',
    message: 'No app is published at this address. Check how it is written.',
  },
  {
    // The flag alone would also be that of a decision that answers 503 itself, in its own words.
    status: 504,
    told: 503,
    flags: ['UAEX'],
    heading: 'Nobody can say whether you may pass',
    message:
      'The part that decides does not answer, so nothing was sent to the app. Try again in a moment; if it lasts, tell who runs this site.',
  },
  {
    status: 503,
    flags: ['UH'],
    heading: 'No copy of the app is well',
    message:
      'You may open it, but none of its servers passes its health checks. Try again in a moment; if it lasts, tell who runs it.',
  },
  {
    status: 503,
    flags: ['UF', 'UO', 'UC', 'LR', 'URX', 'NC'],
    heading: 'The app does not answer',
    message:
      'You may open it, but it can’t be reached right now. Try again in a moment; if it lasts, tell who runs it.',
  },
  {
    status: 504,
    flags: ['UT', 'DT', 'SI'],
    heading: 'The app takes too long',
    message: 'It did not answer in the time that its route allows. Try again in a moment.',
  },
  {
    status: 431,
    flags: [],
    heading: 'Too much in the headers',
    message:
      'The headers of this request, cookies included, are larger than this proxy takes. Clear the cookies of this site and try again.',
  },
]

/** Envoy's operator for the decision id: an id of its own making, so it needs no escaping. */
const DECISION_ID = '%REQ(X-REQUEST-ID)%'

const statusIs = (status: number): Fields => ({
  status_code_filter: {
    comparison: { op: 'EQ', value: { default_value: status, runtime_key: 'local_reply.unused' } },
  },
})

const wantsHtml: Fields = {
  header_filter: { header: { name: 'accept', string_match: { contains: 'text/html' } } },
}

function page({ heading, message }: Trouble): string {
  const marked = renderPage({
    title: heading,
    heading,
    body: html`<p>${message}</p>`,
    tone: 'warn',
    decisionId: '@ID@',
  })
  return literal(marked).replaceAll('@ID@', DECISION_ID)
}

/** Envoy wants at least two filters in an `and`. */
const matching = (filters: readonly Fields[]): Fields =>
  filters.length === 1 ? (filters[0] ?? {}) : { and_filter: { filters } }

function mappersOf(trouble: Trouble): readonly Fields[] {
  const { status, told, flags, heading, message } = trouble
  const as = told === undefined ? {} : { status_code: told }
  const when = [statusIs(status), ...(flags.length === 0 ? [] : [{ response_flag_filter: { flags } }])]
  const { 'content-type': contentType, ...headers } = PAGE_HEADERS
  return [
    {
      filter: matching([...when, wantsHtml]),
      ...as,
      body_format_override: {
        text_format_source: { inline_string: page(trouble) },
        content_type: contentType,
      },
      headers_to_add: Object.entries(headers).map(([name, value]) => setHeader(name, value)),
    },
    {
      filter: matching(when),
      ...as,
      body_format_override: {
        text_format_source: { inline_string: `${literal(`${heading}. ${message}`)} (${DECISION_ID})\n` },
        content_type: 'text/plain; charset=utf-8',
      },
    },
  ]
}

export const localReplies: Fields = { mappers: TROUBLES.flatMap(mappersOf) }
