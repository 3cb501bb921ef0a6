/**
 * Whether the other side is a person at a browser, who can follow a redirect and read a page.
 *
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http'

/** Browsers send a tenth of it. What is longer was made to be parsed, not to be answered. */
const LONGEST_ACCEPT = 2048

/**
 * The signs of a browser, in order: the first that says anything decides. Who gives none of them is a
 * program.
 *
 * Every browser names `text/html` when a person opens a page. Programs that take anything, or send
 * no `Accept`, are git, curl and HTTP libraries: they follow a redirect, and take the sign-in page for their
 * answer.
 *
 * @see https://www.w3.org/TR/fetch-metadata/
 */
const SIGNS: readonly ((headers: IncomingHttpHeaders) => boolean | undefined)[] = [
  ({ 'sec-fetch-mode': mode }) =>
    mode === undefined ? undefined : mode === 'navigate' || mode === 'nested-navigate',
  ({ 'x-requested-with': by }) => (String(by).toLowerCase() === 'xmlhttprequest' ? false : undefined),
  ({ 'content-type': type }) => (type?.startsWith('application/grpc') === true ? false : undefined),
  ({ accept }) => (accept === undefined || accept.length > LONGEST_ACCEPT ? false : namesHtml(accept)),
]

export function prefersHtml(headers: IncomingHttpHeaders): boolean {
  for (const sign of SIGNS) {
    const isBrowser = sign(headers)
    if (isBrowser !== undefined) return isBrowser
  }
  return false
}

const PAGES = new Set(['text/html', 'application/xhtml+xml'])
const DATA = new Set(['application/json', 'text/plain'])

/** By name, and before the forms in which programs are answered. */
function namesHtml(accept: string): boolean {
  let page = 0
  let data = 0
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';')
    const name = type.trim()
    if (PAGES.has(name)) page = Math.max(page, weightOf(parameters))
    else if (DATA.has(name)) data = Math.max(data, weightOf(parameters))
  }
  return page > 0 && page >= data
}

/** 1 where there is none, or none that can be read. */
function weightOf(parameters: readonly string[]): number {
  const q = parameters.map((text) => text.trim()).find((text) => text.startsWith('q='))
  const weight = q === undefined ? 1 : Number(q.slice(2))
  return Number.isFinite(weight) ? weight : 1
}
