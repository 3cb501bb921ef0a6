/**
 * The entries of `routes:` as separate pieces of text, so that after an edit only those that changed are
 * parsed.
 *
 * Parsing 10,000 routes takes a second, in which no request is judged. Entries can be told apart without a
 * parser because inside one of them every line is indented deeper than its dash; whatever makes that unsure
 * (anchors, tags, directives, tabs, flow style) leads to `undefined`, and the whole text is parsed.
 *
 * @module
 */

interface YamlItem {
  readonly text: string
  /** Where the text begins in the whole. */
  readonly at: number
  /** Of its first key, from 1. */
  readonly line: number
  readonly column: number
}

export interface SplitYaml {
  /** The text without the entries. */
  readonly rest: string
  readonly list: 'routes' | 'policy'
  readonly items: readonly YamlItem[]
}

const HEAD = /^(routes|policy):[ ]*(?:#.*)?\r?$/gm
/** An anchor, alias, tag, directive, document mark, complex key or tab could reach across entries. */
const FAR_REACHING = /(?:^|[\s,[{:-])[&*!]\S|^(?:%|---|\.\.\.|\?[ \r\n])|^ *\t|^ *\? |<<:/m
const FIRST_LINE = /^( *)-( +)[^\s#\-?]/

/** The pieces, or undefined when the text had better be parsed as a whole. */
export function splitYaml(text: string): SplitYaml | undefined {
  const heads = [...text.matchAll(HEAD)]
  const [head] = heads
  if (head === undefined || heads.length !== 1 || FAR_REACHING.test(text)) return undefined
  const begin = text.indexOf('\n', head.index) + 1
  if (begin === 0) return undefined

  let line = countLines(text, begin) + 1
  let indent: number | undefined
  let end = begin
  let open: { at: number; line: number; column: number } | undefined
  const items: YamlItem[] = []
  const close = (at: number) => {
    if (open !== undefined) items.push({ text: text.slice(open.at, at), ...open })
  }
  for (let at = begin; at < text.length; line += 1) {
    const newline = text.indexOf('\n', at)
    const next = newline === -1 ? text.length : newline + 1
    const content = text.slice(at, next)
    const depth = content.search(/\S/)
    const isBlank = depth === -1 || content[depth] === '#'
    if (!isBlank) {
      indent ??= depth
      if (depth < indent || (depth === 0 && content[0] !== '-')) break
      if (depth === indent) {
        const first = FIRST_LINE.exec(content)
        if (first === null) return undefined
        close(at)
        open = { at, line, column: indent + 1 + (first[2] ?? '').length + 1 }
      } else if (open === undefined) return undefined
    }
    end = next
    at = next
  }
  close(end)
  const list = head[1] === 'policy' ? 'policy' : 'routes'
  return items.length === 0 ? undefined : { rest: text.slice(0, begin) + text.slice(end), list, items }
}

/** The text with blank lines in place of all entries but some: every place in it is that in the whole. */
export function excerpt(text: string, { items }: SplitYaml, begin: number, end: number): string {
  const [first] = items
  const last = items.at(-1)
  if (first === undefined || last === undefined) return text
  const tail = last.at + last.text.length
  const from = items[begin]?.at ?? tail
  const to = items[end]?.at ?? tail
  return (
    text.slice(0, first.at) +
    blank(text.slice(first.at, from)) +
    text.slice(from, to) +
    blank(text.slice(to, tail)) +
    text.slice(tail)
  )
}

const blank = (part: string): string => '\n'.repeat(countLines(part, part.length))

function countLines(text: string, end: number): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
