/**
 * The layout of every page that Sallyport itself shows, and the headers that go with it.
 *
 * No script, no resource from anywhere; the only style sheet is named by its hash. Used for the pages of the
 * authenticate host and for the denial pages of the authorizer alike.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { type Html, type HtmlValue, html, raw, safeHref } from './html.ts'
import { PAGE_STYLE } from './page-style.ts'

const styleHash = createHash('sha256').update(PAGE_STYLE.toString()).digest('base64')

/** Nothing loads, nothing runs, nobody frames us; forms go to the host that showed them. */
const policyWith = (images: readonly string[]): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    ['img-src data:', ...images].join(' '),
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')

/**
 * Headers of every page of ours.
 *
 * The referrer policy is `same-origin` and not `no-referrer`, which would turn the `Origin` of our own forms
 * into `null` and take away the check against cross-site posts.
 */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': policyWith([]),
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const satisfies Readonly<Record<string, string>>

/** Beyond that many a header would grow too large. */
const MOST_IMAGE_ORIGINS = 60
/** What can't end a source, or the directive, of the policy. */
const PLAIN_ORIGIN = /^https:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d+)?$/

/** The same for a page that shows images from these addresses, and from nowhere else. */
export function headersWithImages(urls: readonly string[]): Readonly<Record<string, string>> {
  const origins = new Set(urls.map((url) => URL.parse(url)?.origin ?? ''))
  const plain = [...origins].filter((origin) => PLAIN_ORIGIN.test(origin)).toSorted()
  const sources = plain.length > MOST_IMAGE_ORIGINS ? ['https:'] : plain
  return { ...PAGE_HEADERS, 'content-security-policy': policyWith(sources) }
}

const MARK = raw`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M3 21V8l3-2V3h3v2h6V3h3v3l3 2v13"/><path d="M8 21v-6a4 4 0 0 1 8 0v6"/><path d="M2 21h20"/></svg>`

const ICON = raw`<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%231f8a63' stroke-width='2'%3E%3Cpath d='M3 21V8l3-2V3h3v2h6V3h3v3l3 2v13M8 21v-6a4 4 0 0 1 8 0v6M2 21h20'/%3E%3C/svg%3E">`

export interface Page {
  /** Of the window; ` · Sallyport` is added. */
  readonly title: string
  readonly heading: string
  readonly body: HtmlValue
  readonly tone?: 'neutral' | 'good' | 'warn' | 'bad' | undefined
  /** Envoy's `x-request-id`: what a user quotes and an operator looks up. */
  readonly requestId?: string | undefined
  /** Whether a decision was logged under that id, which is then called so. */
  readonly isDecided?: boolean | undefined
  /** Room for a grid. */
  readonly wide?: boolean | undefined
}

/** A whole HTML document. Send it with `PAGE_HEADERS`. */
export function renderPage(page: Page): string {
  const tone = page.tone ?? 'neutral'
  const width = page.wide === true ? ' wide' : ''
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Sallyport</title>
${ICON}
<style>${PAGE_STYLE}</style>
</head>
<body class="${tone}">
<header class="brand${width}">${MARK} Sallyport</header>
<main class="${width.trim()}">
<h1 dir="auto">${page.heading}</h1>
${page.body}
</main>
${
  page.requestId === undefined
    ? undefined
    : html`<footer class="${width.trim()}">${page.isDecided === true ? 'Decision' : 'Request'} id <code>${page.requestId}</code></footer>`
}
</body>
</html>
`)
}

/** Rows of name and value; a row without value is left out. */
export function factList(rows: readonly (readonly [name: string, value: HtmlValue])[]): Html {
  const shown = rows.filter(([, value]) => value !== undefined && value !== false && value !== '')
  return html`<dl>${shown.map(([name, value]) => html`<dt dir="auto">${name}</dt><dd dir="auto">${value}</dd>`)}</dl>`
}

/** More are folded away: somebody may be in hundreds of groups. */
const MOST_TAGS = 24

/** Short values side by side, such as groups. */
export function tagList(values: readonly string[]): Html {
  if (values.length <= MOST_TAGS) return tagsOf(values)
  return html`${tagsOf(values.slice(0, MOST_TAGS))}<details class="more"><summary>${values.length - MOST_TAGS} more</summary>${tagsOf(values.slice(MOST_TAGS))}</details>`
}

function tagsOf(values: readonly string[]): Html {
  return html`<ul class="tags">${values.map((value) => html`<li dir="auto">${value}</li>`)}</ul>`
}

export interface Action {
  readonly label: string
  /** Link target, or target of the form when `post` is set; empty: the very address that is shown. */
  readonly href: string
  readonly main?: boolean
  /** Hidden fields: the action is then a form that posts them. */
  readonly post?: Readonly<Record<string, string>>
}

/** What the reader can do next: links that look like buttons, and one-button forms. */
export function actionBar(actions: readonly Action[]): Html {
  const buttons = actions.map(({ label, href, main, post }) => {
    const look = main === true ? 'button main' : 'button'
    const target = href === '' ? '' : safeHref(href)
    if (post === undefined) return html`<a class="${look}" href="${target}">${label}</a>`
    const fields = Object.entries(post).map(
      ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
    )
    return html`<form method="post" action="${target}">${fields}<button class="${look}">${label}</button></form>`
  })
  return html`<div class="actions">${buttons}</div>`
}
