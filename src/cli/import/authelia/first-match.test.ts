/**
 * What Authelia's rules let in and what the imported configuration lets in, on rules and requests made up by
 * fast-check.
 *
 * The model is Authelia's own order: the first rule that fits decides, and to somebody who is not signed in a
 * rule about people fits.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { stringify } from 'yaml'
import { chooserOf } from '../../../access/config-checks.ts'
import { parseConfig } from '../../../config/parse.ts'
import { policyOf } from '../../../policy/compiled-policies.ts'
import type { Subject } from '../../../policy/decision.ts'
import { writeDraft } from '../draft.ts'
import { draftOf } from '../import.ts'

interface MadeRule {
  readonly domain: string | readonly string[]
  readonly policy: string
  readonly subject?: string | readonly (string | readonly string[])[]
  readonly networks?: readonly string[]
  readonly methods?: readonly string[]
  readonly resources?: readonly string[]
  readonly query?: unknown
}

interface MadeRequest {
  readonly host: string
  readonly path: string
  readonly method: string
  readonly ip: string
  readonly hasQuery: boolean
  readonly person:
    | { readonly user: string; readonly groups: readonly string[]; readonly isStrong: boolean }
    | undefined
}

const HOME = ['10.0.0.0/8', '192.0.2.128/25']
const LEVELS = ['deny', 'bypass', 'one_factor', 'two_factor']
const PATTERNS = [
  '^/api([/?].*)?$',
  '^/api/v1/.*$',
  '^/api/v1',
  '^/admin/?$',
  '^/(admin|api)/',
  '/status$',
  '^/static/.*',
  '^/a\\.html$',
  '.*',
]

const subject = fc.oneof(
  fc.constantFrom('user:u1', 'user:u2', 'group:g1', 'group:g2'),
  fc.array(
    fc.oneof(
      fc.constantFrom('user:u1', 'group:g1', 'group:g2'),
      fc.array(fc.constantFrom('user:u1', 'group:g1', 'group:g2'), { minLength: 1, maxLength: 2 }),
    ),
    { minLength: 1, maxLength: 2 },
  ),
)
const domain = fc.constantFrom('a.ex.test', 'b.ex.test', '*.ex.test', '*.sub.ex.test', 'x.sub.ex.test')
const some = <Value>(values: readonly Value[]) => fc.subarray([...values], { minLength: 1, maxLength: 2 })
const rule: fc.Arbitrary<MadeRule> = fc
  .record(
    {
      domain: fc.oneof(domain, fc.uniqueArray(domain, { minLength: 1, maxLength: 2 })),
      policy: fc.constantFrom(...LEVELS),
      subject,
      networks: some(['home', '192.0.2.0/24', '2001:db8::/32', '203.0.113.7']),
      methods: some(['GET', 'POST', 'DELETE']),
      resources: some(PATTERNS),
      isAsking: fc.nat({ max: 14 }).map((number) => number === 0),
    },
    { requiredKeys: ['domain', 'policy', 'isAsking'] },
  )
  // Authelia refuses a bypass for some people: who they are is not known there.
  .map(({ subject: who, isAsking, ...rest }) => ({
    ...rest,
    ...(isAsking ? { query: [[{ key: 'x', value: '1' }]] } : {}),
    ...(rest.policy === 'bypass' || who === undefined ? {} : { subject: who }),
  }))
const request: fc.Arbitrary<MadeRequest> = fc.record({
  host: fc.constantFrom('a.ex.test', 'b.ex.test', 'c.ex.test', 'x.sub.ex.test', 'y.sub.ex.test'),
  path: fc.constantFrom(
    '/',
    '/api',
    '/api/',
    '/api/v1/x',
    '/apis',
    '/admin',
    '/admin/x',
    '/static/x',
    '/x/status',
    '/a.html',
    '/axhtml',
  ),
  method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT'),
  ip: fc.constantFrom('10.1.2.3', '192.0.2.5', '192.0.2.200', '203.0.113.7', '2001:db8::1', '2001:db9::1'),
  hasQuery: fc.boolean(),
  person: fc.option(
    fc.record({
      user: fc.constantFrom('u1', 'u2', 'u3'),
      groups: fc.subarray(['g1', 'g2']),
      isStrong: fc.boolean(),
    }),
    { nil: undefined },
  ),
})

function listOf<Value>(value: Value | readonly Value[]): readonly Value[] {
  const isList = (given: Value | readonly Value[]): given is readonly Value[] => Array.isArray(given)
  return isList(value) ? value : [value]
}

function fits(made: MadeRule, asked: MadeRequest): boolean {
  const { person } = asked
  const isHost = listOf(made.domain).some((name) =>
    name.startsWith('*') ? asked.host.endsWith(name.slice(1)) : asked.host === name,
  )
  const isThem = (text: string) =>
    text.startsWith('user:')
      ? text === `user:${person?.user}`
      : (person?.groups.includes(text.slice(6)) ?? false)
  const ranges = made.networks?.flatMap((name) => (name === 'home' ? HOME : [name]))
  return (
    isHost &&
    (made.subject === undefined ||
      person === undefined ||
      listOf<string | readonly string[]>(made.subject).some((all) => listOf<string>(all).every(isThem))) &&
    (ranges?.some((range) => isIn(asked.ip, range)) ?? true) &&
    (made.methods?.includes(asked.method) ?? true) &&
    (made.resources?.some((pattern) => new RegExp(pattern).test(asked.path)) ?? true) &&
    (made.query === undefined || asked.hasQuery)
  )
}

function isIn(ip: string, range: string): boolean {
  const address = ipaddr.parse(ip)
  const [network, bits] = ipaddr.parseCIDR(range.includes('/') ? range : `${range}/32`)
  return address.kind() === network.kind() && address.match(network, bits)
}

function autheliaLetsIn(rules: readonly MadeRule[], fallback: string, asked: MadeRequest): boolean {
  const level = rules.find((made) => fits(made, asked))?.policy ?? fallback
  if (level === 'bypass') return true
  return level === 'one_factor'
    ? asked.person !== undefined
    : level === 'two_factor' && asked.person?.isStrong === true
}

function imported(rules: readonly MadeRule[], fallback: string) {
  const text = stringify(
    {
      access_control: { default_policy: fallback, networks: [{ name: 'home', networks: HOME }], rules },
      session: { cookies: [{ domain: 'ex.test', authelia_url: 'https://auth.ex.test' }] },
    },
    { aliasDuplicateObjects: false },
  )
  const draft = draftOf('authelia', [{ file: 'a.yml', text }], { upstreams: new Map() })
  const parsed = parseConfig(writeDraft(draft, 'a.yml').replaceAll('FILL-IN', 'x'))
  assert.ok('config' in parsed, JSON.stringify(parsed))
  const { config } = parsed
  const choose = chooserOf(config)
  return { draft, letsIn }

  function letsIn({ host, path, method, ip, person }: MadeRequest): boolean {
    const choice = choose({ authority: host, path, method })
    if (choice.kind !== 'route') return false
    const { policy } = policyOf(config, choice.route)
    const asking: Subject =
      person === undefined
        ? { kind: 'anonymous' }
        : {
            kind: 'user',
            sessionId: 's',
            userId: person.user,
            email: undefined,
            name: undefined,
            claims: { preferred_username: [person.user], amr: person.isStrong ? ['pwd', 'mfa'] : ['pwd'] },
            groups: person.groups,
          }
    assert.ok(policy)
    return policy.decide(asking, { method, path, host, sourceIp: ip, headers: {} }).outcome === 'allow'
  }
}

const rules = fc.array(rule, { minLength: 1, maxLength: 5 })
const requests = fc.array(request, { minLength: 20, maxLength: 20 })

/** Words of the remarks that say that something is closed. */
const isClosed = (text: string): boolean => /let in|lets nobody/.test(text)

describe('rules of Authelia, of which the first that fits decides', () => {
  it('let nobody in here whom they did not let in, and the same people where nothing is said of it', () => {
    const counts = { kept: 0, lost: 0, exact: 0, files: 0 }
    fc.assert(
      fc.property(rules, fc.constantFrom(...LEVELS), requests, (made, fallback, asked) => {
        const { draft, letsIn } = imported(made, fallback)
        const isExact = !draft.remarks.some(({ text }) => isClosed(text))
        counts.files += 1
        if (isExact) counts.exact += 1
        for (const each of asked) {
          const [theirs, ours] = [autheliaLetsIn(made, fallback, each), letsIn(each)]
          const isThere = made.some(({ domain: names }) =>
            listOf(names).some((name) => hosts(name, each.host)),
          )
          assert.ok(theirs || !ours, `opened: ${JSON.stringify(each)}`)
          if (isExact && isThere) assert.equal(ours, theirs, `closed without a word: ${JSON.stringify(each)}`)
          if (theirs && isThere) counts[ours ? 'kept' : 'lost'] += 1
        }
      }),
      { numRuns: 40 },
    )
    assert.ok(counts.kept > counts.lost, JSON.stringify(counts))
    assert.ok(counts.exact > 0, JSON.stringify(counts))
  })
})

const hosts = (name: string, host: string): boolean =>
  name.startsWith('*') ? host.endsWith(name.slice(1)) : host === name
