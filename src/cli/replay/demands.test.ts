import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooserOf } from '../../access/config-checks.ts'
import type { Config } from '../../config/config.ts'
import { parseConfig } from '../../config/parse.ts'
import { readLogLine } from './log-lines.ts'
import { replay } from './replay.ts'

const TIME = '2026-03-02T09:00:00.000Z'

function configWith(route: object, settings: object = {}): Config {
  const parsed = parseConfig(
    JSON.stringify({
      ...settings,
      routes: [
        { from: 'https://app.example.com', to: 'http://a', allow_any_authenticated_user: true, ...route },
      ],
    }),
  )
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

function outcomeOf(
  config: Config,
  then: Config | undefined,
  { outcome = 'allow', idp = 'default', kind = 'user' } = {},
) {
  const decision = readLogLine(
    JSON.stringify({
      time: TIME,
      'request-id': 'id-1',
      method: 'GET',
      path: '/',
      host: 'app.example.com',
      ip: '192.0.2.7',
      user: 'idp/alice',
      subject: 'fp',
      outcome,
      msg: 'authorize check',
    }),
  )
  const who = readLogLine(
    JSON.stringify({
      time: TIME,
      subject: 'fp',
      kind,
      user: 'idp/alice',
      ...(idp !== '' && { idp }),
      groups: [],
      claims: {},
      'claims-known': 'all',
      msg: 'authorize subject',
    }),
  )
  assert.ok(typeof decision === 'object' && decision.kind === 'decision')
  assert.ok(typeof who === 'object' && who.kind === 'subject')
  const route = then?.routes[0]
  const replayed = replay(config, chooserOf(config), decision, who, then && route && { config: then, route })
  return replayed.kind === 'decided'
    ? replayed.decision.outcome
    : replayed.kind === 'unknown'
      ? replayed.why
      : []
}

const PARTNERS = {
  authenticate_service_url: 'https://auth.example.com',
  sign_in_providers: Object.fromEntries(
    ['default', 'partners'].map((name) => [
      name,
      { provider: 'oidc', provider_url: `https://${name}.example.com`, client_id: 'c', client_secret: 's' },
    ]),
  ),
}

describe('what a route asks of a session', () => {
  for (const [key, looser, tighter, words] of [
    ['session_lifetime', '2h', '1h', /^how old the session was/],
    ['session_idle_timeout', '2h', '1h', /^how long it was idle/],
    ['max_age', '2h', '1h', /^how old the sign-in was/],
  ] as const)
    it(`can't be told of a log where it is more than before: ${key}`, () => {
      const strict = configWith({ [key]: tighter })
      const mild = configWith({ [key]: looser })
      for (const then of [undefined, configWith({}), mild]) {
        const why = outcomeOf(strict, then)
        assert.ok(Array.isArray(why) && why.length === 1)
        assert.match(why[0] ?? '', words)
      }
      assert.equal(outcomeOf(strict, strict), 'allow')
      assert.equal(outcomeOf(mild, strict), 'allow', 'who met the stricter limit meets this one')
      assert.equal(outcomeOf(configWith({}), strict), 'allow')
      assert.notEqual(outcomeOf(mild, strict, { outcome: 'step-up' }), 'allow')
      assert.equal(
        outcomeOf(strict, undefined, { kind: 'service-account' }),
        'allow',
        'machines do not sign in',
      )
    })

  it('is a strength that was enough before, or one that nobody knows of', () => {
    const gold = configWith({ acr_values: ['gold'] })
    const both = configWith({ acr_values: ['gold', 'silver'] })
    assert.deepEqual(outcomeOf(gold, undefined), ['how strong the sign-in was (acr_values)'])
    assert.deepEqual(outcomeOf(gold, both), ['how strong the sign-in was (acr_values)'])
    assert.deepEqual(outcomeOf(gold, configWith({})), ['how strong the sign-in was (acr_values)'])
    assert.equal(outcomeOf(gold, gold), 'allow')
    assert.equal(outcomeOf(both, gold), 'allow')
  })

  it('is a sign-in at one of its identity providers', () => {
    const route = configWith({ sign_in_providers: ['partners'] }, PARTNERS)
    assert.equal(outcomeOf(route, undefined, { idp: 'partners' }), 'allow')
    assert.equal(outcomeOf(route, undefined, { idp: 'default' }), 'sign-in')
    assert.deepEqual(outcomeOf(route, undefined, { idp: '' }), ['the identity provider of the session'])
  })

  it('is an address past the proxies that there are now', () => {
    const policy = [{ allow: { and: [{ authenticated_user: true }, { source_ip: '192.0.2.0/24' }] } }]
    const route = { allow_any_authenticated_user: undefined, policy }
    const one = configWith(route, { xff_num_trusted_hops: 1 })
    assert.equal(outcomeOf(one, one), 'allow')
    assert.deepEqual(outcomeOf(one, configWith(route)), [
      'the address past as many proxies (xff_num_trusted_hops)',
    ])
    assert.equal(outcomeOf(configWith({}, { xff_num_trusted_hops: 1 }), configWith({})), 'allow')
  })

  it('is that another directory, which the log does not know, has not switched the person off', () => {
    const directory = [{ name: 'people', type: 'file', path: 'people.yaml' }]
    const asked = configWith({}, { directory })
    assert.equal(outcomeOf(asked, asked), 'allow')
    assert.deepEqual(outcomeOf(asked, configWith({})), ['what the other directory says of the person'])
  })
})
