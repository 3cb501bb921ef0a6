/**
 * The pages about policies say what is true: each example is compiled and asked, line by line of its table.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { compilePolicy, type RoutePolicy } from '../src/policy/compile.ts'
import type { PolicyContext } from '../src/policy/context.ts'
import type { Identified, Subject } from '../src/policy/decision.ts'
import { type RequesterWorld, readRequester } from '../src/policy/requester.fixture.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

function somebody(name: string, rest: Partial<Identified>): Identified {
  const email = `${name}@example.com`
  return { kind: 'user', sessionId: 's', userId: name, email, name, claims: {}, groups: [], ...rest }
}

/** As the pages introduce them. */
const PEOPLE: Readonly<Record<string, Subject>> = {
  nobody: { kind: 'anonymous' },
  alice: somebody('alice', { claims: { department: ['sales'], amr: ['pwd', 'otp'] }, groups: ['staff'] }),
  bob: somebody('bob', { email: 'bob@example.org', groups: ['guests'] }),
  carol: somebody('carol', {
    claims: { department: ['engineering'], preferred_username: ['carol'], amr: ['hwk'] },
    groups: ['staff', 'admins', 'on-call'],
  }),
  dave: somebody('dave', { groups: 'unknown' }),
  robot: somebody('robot', { kind: 'service-account', email: 'robot@example.com', groups: [] }),
  github: somebody('github', {
    kind: 'workload',
    userId: 'repo:example/shop:ref:refs/heads/main',
    email: undefined,
    claims: { repository: ['example/shop'], ref: ['refs/heads/main'] },
  }),
}

const CERTIFICATE = {
  presented: true,
  validity: 'valid',
  fingerprint: '17859273e8a980631d367b2d5a6a6635412b0f22835f69e47b3f65624546a704',
  spkiHash: 'FsDbM0rUYIiL3V339eIKqiz6HPSB+Pz2WeAWhqlqh8U=',
  sanDns: ['till-7.shops.example.com'],
  sanEmail: [],
  sanUri: [],
} as const

const ROWS: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>> = {
  employees: {
    'alice@example.com': { level: 3, manager: 'carol', left: '' },
    'carol@example.com': { level: 6, left: '' },
    'robot@example.com': { level: 1, left: '2029-12-31' },
  },
  networks: { '203.0.113.9': { tor: true }, '198.51.100.7': { vpn: true } },
}

const CONTEXT: PolicyContext = {
  records: { employees: { key: 'user.email' }, networks: { key: 'request.ip' } },
}

const world: RequesterWorld = {
  certificates: { till: CERTIFICATE, copied: { ...CERTIFICATE, validity: 'invalid' } },
  places: {
    berlin: { country: 'DE', continent: 'EU', city: 'Berlin', asn: 3320 },
    auckland: { country: 'NZ', continent: 'OC', city: 'Auckland', asn: 9500 },
    hosting: { country: 'DE', continent: 'EU', asn: 64_500 },
  },
  keys: {
    deploy: Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIG5bfbINn7RDvgHkfWcF8tEs5fuuDTUSJfM0XrYxlqJW', 'base64'),
  },
  record: (type, key) => ROWS[type]?.[key],
}

interface Example {
  readonly title: string
  readonly route: RoutePolicy
  readonly answers: readonly (readonly [requester: string, answer: string])[]
}

/** Fences marked `yaml policy` and `yaml route`, each with the table that follows. */
function examplesOf(page: string): readonly Example[] {
  const text = read(page)
  return [...text.matchAll(/^```yaml (policy|route)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [whole, form, source = ''] = match
    const before = text.slice(0, match.index)
    const after = text.slice(match.index + whole.length).split(/^(?:#|```)/m)[0] ?? ''
    const value: unknown = parse(source)
    return {
      title: /^#+ (.*)$/m.exec(before.slice(before.lastIndexOf('\n#') + 1))?.[1] ?? page,
      route: form === 'policy' ? { policy: value } : (value as RoutePolicy),
      answers: [...after.matchAll(/^\| `([^`]+)` \| (\S[^|]*) \|$/gm)].map(
        ([, requester = '', answer = '']) => [requester, answer.trim()],
      ),
    }
  })
}

const PAGES = { 'docs/policy.md': 6, 'docs/policy-cookbook.md': 25 }

for (const [page, fewest] of Object.entries(PAGES)) {
  describe(page, () => {
    const examples = examplesOf(page)
    it(`has ${fewest} examples and more`, () =>
      assert.ok(examples.length >= fewest, `only ${examples.length}`))

    for (const { title, route, answers } of examples) {
      it(`decides as its table says: ${title}`, () => {
        assert.ok(answers.length > 0, 'no table')
        const { policy, problems } = compilePolicy(route, CONTEXT)
        assert.ok(policy, JSON.stringify(problems))
        const found = answers.map(([requester]) => {
          const { who, request } = readRequester(requester, world)
          const subject = PEOPLE[who]
          assert.ok(subject, requester)
          const { outcome, reasons, observed } = policy.decide(subject, request)
          const watched = observed && `; observed ${[observed.outcome, ...observed.reasons].join(' ')}`
          return [requester, [outcome, ...reasons].join(' ') + (watched ?? '')]
        })
        assert.deepEqual(found, answers)
      })
    }
  })
}
