/**
 * Finds what is not plain English in the pages and in what the program says: sentences of more than 25 words,
 * and words that readers neither use nor search for. `docs.test.ts` holds that there are none.
 *
 * @module
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const MOST_WORDS = 25
const PAGES = globSync(['*.md', '{docs,envoy,examples,bench,src}/**/*.md'], {
  cwd: ROOT,
  exclude: ['CHANGELOG.md', 'bench/**'],
}).toSorted()
const SOURCES = globSync('src/**/*.ts', {
  cwd: ROOT,
  exclude: ['**/*.test.ts', '**/*.fixture.ts', '**/*.suite.ts', 'src/gen/**'],
}).toSorted()

/** Words that are correct, and that readers neither use nor search for, each with one that they know. */
const BOOKISH: readonly (readonly [RegExp, string])[] = [
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\b(?:take|takes|took|taken|taking) back\b/i, 'revoke'],
  [/\bha(?:s|ve) ended\b/i, 'has expired, or is over'],
  [/(?<!\bthere )\b(?:is|are|was|were) none\b(?! of)/i, 'there is none, or does not count'],
  [/\bsilen(?:ce|t)\b/i, 'idle, or idle time'],
  [/\bbearer makes of\b|\bmakes of (?:it|its|them)\b/i, 'treats as'],
  [/\boutlive[sd]?\b/i, 'lasts longer than'],
]

interface Text {
  readonly line: number
  readonly text: string
}

interface Sentence extends Text {
  readonly words: number
}

const isWord = (word: string): boolean => /[\p{L}\p{N}]/u.test(word)

/** Ends of sentences: a full stop before a blank and something that begins one. */
const BETWEEN = /(?<=(?<!\b(?:e\.g|i\.e|etc|vs|No))[.!?…]["'”’)*_]*)\s+(?=["'“‘(*_]*[[\p{Lu}\p{N}⟦/.<])/u

/** Code, and where a link leads: each counts as nothing more than the word it stands in. */
const OPAQUE = /`[^`]*`|\]\([^)]*\)|<?https?:\/\/[^\s>)]+>?/g

function sentences({ line, text }: Text): Sentence[] {
  const opaque: string[] = []
  const stand = text.replaceAll(OPAQUE, (part) => `⟦${opaque.push(part) - 1}⟧`)
  return stand.split(BETWEEN).map((sentence) => ({
    line,
    text: sentence.replaceAll(/⟦(\d+)⟧/g, (_, at: string) => opaque[Number(at)] ?? ''),
    words: sentence.split(/\s+/).filter(isWord).length,
  }))
}

/** Paragraphs, items of lists, headings and cells of tables. */
function textsOfPage(page: string): Text[] {
  const texts: Text[] = []
  let paragraph: { line: number; parts: string[] } | undefined
  const end = (): void => {
    if (paragraph !== undefined) texts.push({ line: paragraph.line, text: paragraph.parts.join(' ') })
    paragraph = undefined
  }
  let fence: string | undefined
  for (const [index, raw] of page.split('\n').entries()) {
    const line = index + 1
    const mark = /^\s*(```|~~~)/.exec(raw)?.[1]
    if (mark !== undefined && (fence === undefined || fence === mark)) {
      end()
      fence = fence === undefined ? mark : undefined
      continue
    }
    if (fence !== undefined || (paragraph === undefined && raw.startsWith('    '))) continue
    const text = raw.replace(/^[\s>]+/, '')
    if (text === '' || text.startsWith('#') || text.startsWith('<!--')) end()
    else if (text.startsWith('|')) {
      end()
      const cells = text.replaceAll(/`[^`]*`/g, '`code`').split(/(?<!\\)\|/)
      texts.push(...cells.map((cell) => ({ line, text: cell.trim() })))
    } else {
      if (/^(?:[-*+]|\d+\.)\s/.test(text)) end()
      paragraph ??= { line, parts: [] }
      paragraph.parts.push(text.replace(/^(?:[-*+]|\d+\.)\s+/, ''))
    }
  }
  end()
  return texts
}

/** What no sentence has: statements of SQL, Lua, shells and style sheets. */
const CODE =
  /^(?:CREATE|ALTER|SELECT|INSERT|UPDATE|DELETE) |^\s*(?:function|local|#compdef|# bash) |[;{}]\s*(?:\n|$)/m

/** Texts in quotes, those that are joined by `+` as one; what is filled in counts as one word. */
function textsOfSource(source: string): Text[] {
  const literal = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/.source
  const pattern = new RegExp(
    String.raw`\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*|(?:${literal})(?:\s*\+\s*(?:${literal}))*`,
    'g',
  )
  return [...source.matchAll(pattern)].flatMap((match) => {
    const [whole] = match
    if (whole.startsWith('/')) return []
    const text = whole
      .replaceAll(/['"`]\s*\+\s*['"`]/g, '')
      .slice(1, -1)
      .replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, 'value')
      .replaceAll(String.raw`\n`, '\n')
      .replaceAll('\\`', '`')
    const line = source.slice(0, match.index).split('\n').length
    if (CODE.test(text)) return []
    return text
      .split(/\n[\s#]*\n|<[^>]+>|\n(?!\s*#)/)
      .map((part) => ({ line, text: part.replaceAll(/^\s*#/gm, '') }))
  })
}

const FILES = [
  ...PAGES.map((file) => ({ file, texts: textsOfPage(readFileSync(join(ROOT, file), 'utf8')) })),
  ...SOURCES.map((file) => ({ file, texts: textsOfSource(readFileSync(join(ROOT, file), 'utf8')) })),
]

/** Sentences of more than 25 words, each with its place. */
export const longSentences = (): string[] =>
  FILES.flatMap(({ file, texts }) =>
    texts
      .flatMap(sentences)
      .filter(({ words }) => words > MOST_WORDS)
      .map(({ line, words, text }) => `${file}:${line}: ${words} words: ${text}`),
  )

/** Bookish phrases, each with its place and what to write instead. */
export const bookishPhrases = (): string[] =>
  FILES.flatMap(({ file, texts }) =>
    texts
      .filter(({ text }) => text.trim().includes(' '))
      .flatMap(({ line, text }) =>
        BOOKISH.flatMap(([phrase, better]) => {
          const found = phrase.exec(text)?.[0]
          return found === undefined ? [] : [`${file}:${line}: "${found}", better: ${better}`]
        }),
      ),
  )
