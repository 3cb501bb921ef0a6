/**
 * The little Markdown that operators may write for people: paragraphs, lists, links, bold, code.
 *
 * Everything else is text and is escaped, HTML above all. A link that a browser could run is none.
 *
 * @module
 */
import { type Html, html, safeHref } from './html.ts'

const BULLET = /^[-*] +(?=\S)/
const NUMBER = /^\d{1,3}[.)] +(?=\S)/

/** Blocks are parted by empty lines; a list may follow its paragraph directly. */
export function markdown(text: string): Html {
  const blocks = text
    .split(/\n[ \t]*\n/)
    .flatMap((block) => runsOf(block.split('\n').map((line) => line.trim())))
  return html`${blocks}`
}

type Kind = 'text' | 'bullets' | 'numbers'

function kindOf(line: string): Kind {
  if (BULLET.test(line)) return 'bullets'
  return NUMBER.test(line) ? 'numbers' : 'text'
}

/** Lines of one kind after another; text after an item goes on with the item. */
function runsOf(lines: readonly string[]): readonly Html[] {
  const runs: { readonly kind: Kind; readonly items: string[] }[] = []
  for (const line of lines.filter((each) => each !== '')) {
    const kind = kindOf(line)
    const run = runs.at(-1)
    const last = run?.items.at(-1)
    if (run !== undefined && last !== undefined && kind === 'text') run.items.splice(-1, 1, `${last} ${line}`)
    else if (run?.kind === kind) run.items.push(withoutMark(line))
    else runs.push({ kind, items: [withoutMark(line)] })
  }
  return runs.map(({ kind, items }) => {
    if (kind === 'text') return html`<p>${items.map(inline)}</p>`
    const entries = items.map((item) => html`<li>${inline(item)}</li>`)
    return kind === 'bullets' ? html`<ul>${entries}</ul>` : html`<ol>${entries}</ol>`
  })
}

function withoutMark(line: string): string {
  return line.replace(BULLET, '').replace(NUMBER, '')
}

const INLINE = /`(?<code>[^`]+)`|\*\*(?<bold>[^*]+)\*\*|\[(?<label>[^\][]+)\]\((?<target>[^()\s]+)\)/g

function inline(text: string): readonly (Html | string)[] {
  const parts: (Html | string)[] = []
  let end = 0
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(end, match.index))
    end = match.index + match[0].length
    const { code, bold, label, target } = match.groups ?? {}
    if (code !== undefined) parts.push(html`<code>${code}</code>`)
    else if (bold !== undefined) parts.push(html`<strong>${inline(bold)}</strong>`)
    else if (label !== undefined) parts.push(link(label, target ?? ''))
  }
  return [...parts, text.slice(end)]
}

/** A target that is not safe leaves the words. */
function link(label: string, target: string): Html | string {
  const href = /^mailto:[^\s:]+$/i.test(target) ? target : safeHref(target)
  return href === '#' ? label : html`<a href="${href}">${label}</a>`
}
