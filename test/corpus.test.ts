/**
 * Configurations that people have published, for Pomerium, oauth2-proxy and Authelia: their structure, with
 * other names, addresses and secrets. `test/corpus/README.md` says how they were gathered.
 *
 * `UPDATE_CORPUS=1 node --test test/corpus.test.ts` writes what becomes of each; read the diff.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse, stringify } from 'yaml'
import { CHECKS_AND_TESTS } from '../src/access/config-checks.ts'
import { remarkLine, writeDraft } from '../src/cli/import/draft.ts'
import { draftOf } from '../src/cli/import/import.ts'
import type { ImportOrigin } from '../src/cli/import/origins.ts'
import { parseConfig } from '../src/config/parse.ts'

const FOLDER = join(import.meta.dirname, 'corpus')
const OUTCOMES = join(FOLDER, 'outcomes.yaml')

interface Sample {
  readonly name: string
  readonly text: string
}

function samplesOf(file: string): readonly Sample[] {
  const [, ...parts] = readFileSync(join(FOLDER, file), 'utf8').split(/^== /m)
  return parts.map((part) => {
    const [title = '', ...lines] = part.split('\n')
    const [name = '', source] = title.split(' <- ')
    assert.ok(source, `${file}: ${name} names no source`)
    return { name, text: lines.join('\n') }
  })
}

const POMERIUM = samplesOf('pomerium.txt')
const IMPORTED = {
  'oauth2-proxy': { samples: samplesOf('oauth2-proxy.txt'), file: 'oauth2-proxy.cfg' },
  authelia: { samples: samplesOf('authelia.txt'), file: 'configuration.yml' },
} as const satisfies Record<ImportOrigin, object>

/** What is in the way, each with its place; none: it is served as it is. */
function problemsOf(text: string): readonly string[] {
  const parsed = parseConfig(text, { ...CHECKS_AND_TESTS, withoutSecrets: true })
  return 'problems' in parsed
    ? parsed.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : []
}

const NOTHING = { upstreams: new Map<string, string>() }

function importOf(origin: ImportOrigin, { text }: Sample) {
  const draft = draftOf(origin, [{ file: IMPORTED[origin].file, text }], NOTHING)
  return {
    routes: draft.routes.length,
    closed: draft.routes.filter(
      ({ value }) => value['policy'] === undefined && value['response'] === undefined,
    ).length,
    remarks: draft.remarks.map(remarkLine),
    problems: problemsOf(writeDraft(draft, 'x')).filter((problem) => !problem.includes('FILL-IN')),
  }
}

/** Names what can be written instead, or what is missing beside it. */
const isPointer = (problem: string): boolean =>
  /not supported|needs |; use |; write |did you mean|not set|must not be empty|unless `|make one with|leave it out|; give it one|must be one of/.test(
    problem,
  )

const outcomes = {
  pomerium: Object.fromEntries(POMERIUM.map(({ name, text }) => [name, problemsOf(text)])),
  ...Object.fromEntries(
    (['oauth2-proxy', 'authelia'] as const).map((origin) => [
      origin,
      Object.fromEntries(IMPORTED[origin].samples.map((sample) => [sample.name, importOf(origin, sample)])),
    ]),
  ),
}

/** What Pomerium does not take either, or is no configuration of it. */
const BROKEN: ReadonlySet<string> = new Set([
  'app-on-sign-in-host', // `insecure_server` is an address
  'invented-keys',
  'other-engine', // keys of a fork
  'rego-in-policy',
  'self-signed-key', // a key that there is not
  'variables-in-text',
])

describe('configurations that people have published', () => {
  it('come to what the table says', () => {
    if (process.env['UPDATE_CORPUS'] === '1') writeFileSync(OUTCOMES, stringify(outcomes, { lineWidth: 0 }))
    assert.deepEqual(outcomes, parse(readFileSync(OUTCOMES, 'utf8')))
  })

  it('for Pomerium are accepted, or refused with what to write instead', (context) => {
    const counts = { accepted: 0, pointed: 0, broken: 0 }
    const wrong: string[] = []
    for (const [name, problems] of Object.entries(outcomes.pomerium)) {
      const bare = problems.filter((problem) => !isPointer(problem))
      if (problems.length === 0) counts.accepted += 1
      else if (BROKEN.has(name)) counts.broken += 1
      else if (bare.length === 0) counts.pointed += 1
      else wrong.push(...bare.map((problem) => `${name}: ${problem}`))
    }
    context.diagnostic(JSON.stringify({ ...counts, wrong: wrong.length }))
    assert.deepEqual(wrong, [])
  })

  for (const origin of ['oauth2-proxy', 'authelia'] as const)
    it(`for ${origin} become ones that lack nothing but what a person must fill in`, (context) => {
      const all = IMPORTED[origin].samples.map((sample) => ({
        name: sample.name,
        ...importOf(origin, sample),
      }))
      context.diagnostic(
        JSON.stringify({
          files: all.length,
          whole: all.filter(({ remarks }) => remarks.length === 0).length,
          closed: all.filter(({ closed }) => closed > 0).length,
        }),
      )
      assert.deepEqual(
        all.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
        [],
      )
    })
})
