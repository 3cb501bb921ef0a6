/**
 * The table of what missing facts mean, for the page on the policy language.
 *
 * @module
 */
import { LACKS, type Lack, LOOKS, type Look, MISSING_FACTS } from '../src/policy/missing-facts.ts'

const BEGIN =
  '<!-- Made by `npm run gen:config` from src/policy/missing-facts.ts; edit that, not this table. -->'
const END = '<!-- End of the table. -->'

/** @param page in which the table stands between its two comments */
export function withMissingFacts(page: string): string {
  const [before, ...rest] = page.split(BEGIN)
  const [, ...after] = rest.join(BEGIN).split(END)
  if (before === undefined || after.length !== 1) throw new Error('docs/policy.md has no place for the table')
  return `${before}${BEGIN}\n${table().join('\n')}\n${END}${after.join('')}`
}

const keysOf = <Key extends string>(record: Readonly<Record<Key, unknown>>): Key[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written as literals, without further keys
  Object.keys(record) as Key[]

function table(): readonly string[] {
  const looks = keysOf<Look>(LOOKS)
  return [
    `| a fact that is | ${looks.map((look) => LOOKS[look]).join(' | ')} | for example |`,
    `|${'---|'.repeat(looks.length + 2)}`,
    ...keysOf<Lack>(LACKS).map((lack) => {
      const { is, examples } = LACKS[lack]
      return `| **${is}** | ${looks.map((look) => MISSING_FACTS[lack][look]).join(' | ')} | ${examples} |`
    }),
  ]
}
