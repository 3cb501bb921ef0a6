import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { array, assert as assertProperty, asyncProperty, boolean, constantFrom, record } from 'fast-check'
import { answered } from './issuer.fixture.ts'
import type { UpstreamToken } from './tokens.ts'
import { ALICE, NOW, openWorld, personOf, REPORTS, routeWith, SECOND } from './world.fixture.ts'

const OF_CLIENT = { grant: 'client_credentials', audience: 'reports' }

const ownOf = (providers: string) => ({
  ...routeWith(OF_CLIENT),
  route: { ...REPORTS.route, name: providers },
  session: undefined,
})

describe('a token for an upstream', () => {
  it('is got at the provider of the session, with the client that people sign in by', async () => {
    const { value, issuer } = openWorld()
    assert.equal(await value(), 'reports/for/planted-access-token/1')
    const [request] = issuer.requests
    assert.equal(request?.url, 'https://idp-1.example/token')
    assert.equal(request.headers.get('authorization'), 'Basic client-at-idp-1')
    assert.equal(request.headers.get('accept'), 'application/json')
  })

  it('is asked for as the provider itself is asked, and nothing else is', async () => {
    const { value, issuer } = openWorld()
    const asked: string[] = []
    issuer.ownFetch = async (url) => {
      asked.push(String(url))
      return answered({ access_token: 'own', token_type: 'Bearer', expires_in: 60 })
    }
    assert.equal(await value(), 'own')
    assert.equal(await value(routeWith({ client_id: 'other', client_secret: 's' })), 'own')
    await value(routeWith({ token_url: 'https://sts.example/t', client_id: 'a', client_secret: 'b' }))
    assert.deepEqual(
      asked,
      Array.from({ length: 2 }, () => 'https://idp-1.example/token'),
    )
    assert.deepEqual(
      issuer.requests.map(({ url }) => url),
      ['https://sts.example/t'],
    )
  })

  it('is got at the URL and with the client that the route names, in the form that it names', async () => {
    const { value, issuer } = openWorld()
    const own = { token_url: 'https://sts.example/t?p=1', client_id: 'a b/c', client_secret: '%:+ü' }
    await value(routeWith(own))
    await value(routeWith({ ...own, client_authentication: 'client_secret_post' }))
    await value(routeWith({ client_id: 'other', client_secret: 's' }))
    assert.deepEqual(
      issuer.requests.map(({ url, headers, form }) => [
        url,
        headers.get('authorization'),
        form.get('client_id'),
        form.get('client_secret'),
      ]),
      [
        // RFC 6749 section 2.3.1: each part is form-encoded before they are joined.
        [
          'https://sts.example/t?p=1',
          `Basic ${Buffer.from('a+b%2Fc:%25%3A%2B%C3%BC').toString('base64')}`,
          null,
          null,
        ],
        ['https://sts.example/t?p=1', null, 'a b/c', '%:+ü'],
        ['https://idp-1.example/token', `Basic ${Buffer.from('other:s').toString('base64')}`, null, null],
      ],
    )
  })

  it('is asked for once by all who come at the same time, and kept', async () => {
    const { value, issuer, clock } = openWorld()
    const gate = Promise.withResolvers<void>()
    const { answer } = issuer
    issuer.answer = async (request) => {
      await gate.promise
      return await answer(request)
    }
    const all = Array.from({ length: 200 }, () => value())
    gate.resolve()
    assert.deepEqual([...new Set(await Promise.all(all))], ['reports/for/planted-access-token/1'])
    clock.now += 239 * SECOND
    assert.equal(await value(), 'reports/for/planted-access-token/1')
    assert.equal(issuer.requests.length, 1)
  })

  it('is renewed behind the scenes before it ends, and waited for shortly before', async () => {
    const { value, issuer, clock } = openWorld()
    await value()
    clock.now += 240 * SECOND
    assert.equal(await value(), 'reports/for/planted-access-token/1', 'the old one is good still')
    await new Promise(setImmediate)
    assert.equal(await value(), 'reports/for/planted-access-token/2')
    clock.now += 290 * SECOND
    assert.equal(await value(), 'reports/for/planted-access-token/3', 'with ten seconds left nobody begins')
    assert.equal(issuer.requests.length, 3)
  })

  it('of a short life is not asked for with each request', async () => {
    const { value, issuer, clock } = openWorld()
    issuer.lifetimeSeconds = 8
    await value()
    clock.now += 3.9 * SECOND
    await value()
    assert.equal(issuer.requests.length, 1)
    clock.now += 2.1 * SECOND
    assert.equal(await value(), 'reports/for/planted-access-token/2')
  })

  it('lives from when it was asked for, not from when the answer came', async () => {
    const { get, issuer, clock } = openWorld()
    const { answer } = issuer
    issuer.answer = (request) => {
      clock.now += 3 * SECOND
      return answer(request)
    }
    const found = await get()
    assert.ok('value' in found)
    assert.equal(found.goodUntil, NOW + 290 * SECOND)
  })

  it('stays in use while a new one is not to be had, and not a moment longer than it is good', async () => {
    const { value, issuer, clock } = openWorld()
    await value()
    issuer.answer = () => answered({}, 503)
    clock.now += 289.9 * SECOND
    assert.equal(await value(), 'reports/for/planted-access-token/1')
    await new Promise(setImmediate)
    clock.now += 0.1 * SECOND
    assert.equal(await value(), 'upstream-token-unavailable')
  })

  it('counts for nothing after the clock was set back', async () => {
    const { value, clock } = openWorld()
    await value()
    clock.now -= 3600 * SECOND
    assert.equal(await value(), 'reports/for/planted-access-token/2')
  })

  it('is another one for other terms of the same session', async () => {
    const { value, issuer } = openWorld()
    const seen = new Set<string>()
    for (const terms of [
      {},
      { audience: 'other' },
      { audience: ['reports', 'other'] },
      { scopes: ['x'] },
      { scopes: ['x', 'y'] },
      { resource: 'https://r.example' },
      { requested_token_type: 'jwt' },
      { request_params: { connector_id: 'a' } },
      { client_id: 'c', client_secret: 'one' },
      { client_id: 'c', client_secret: 'two' },
    ])
      seen.add(await value(routeWith(terms)))
    assert.equal(seen.size, 10)
    assert.equal(issuer.requests.length, 10)
    await value(routeWith({ header: 'X-Other', optional: true }))
    assert.equal(issuer.requests.length, 10, 'where it goes to makes it no other')
  })

  it('of a client itself is one for everybody, but another at another provider', async () => {
    const { value, issuer } = openWorld()
    assert.equal(await value(ownOf('idp-1')), 'reports/for/all/1')
    assert.equal(await value(ownOf('idp-1')), 'reports/for/all/1')
    assert.equal(await value(ownOf('idp-2')), 'reports/for/all/2')
    assert.deepEqual(
      issuer.requests.map(({ url }) => url),
      ['https://idp-1.example/token', 'https://idp-2.example/token'],
    )
  })
})

describe('a token for an upstream, and whose it is', () => {
  it('is never another’s, whoever comes when, whatever is renewed and signed out meanwhile', async () => {
    const people = ['ann', 'ben', 'cleo']
    const routed = { reports: REPORTS, wiki: routeWith({ audience: 'wiki' }) } as const
    const step = record({
      who: constantFrom(...people),
      audience: constantFrom('reports', 'wiki'),
      act: constantFrom('ask', 'ask', 'ask', 'refresh', 'sign out', 'fail', 'heal', 'wait', 'reload', 'swap'),
      late: boolean(),
    })
    await assertProperty(
      asyncProperty(array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { value, issuer, clock } = openWorld()
        const { answer } = issuer
        const held: (() => void)[] = []
        const tokens = new Map(people.map((name) => [name, 0]))
        /** Who sits behind which session: two may swap browsers. */
        const owners = new Map(people.map((name) => [name, name]))
        const asked: Promise<void>[] = []
        for (const { who, audience, act, late } of steps) {
          issuer.answer = async (request) => {
            if (late) await new Promise<void>((resolve) => held.push(resolve))
            return await answer(request)
          }
          if (act === 'fail') issuer.answer = () => answered({ error: 'invalid_grant' }, 400)
          if (act === 'wait') clock.now += 100 * SECOND
          if (act === 'reload') issuer.reload()
          if (act === 'heal') for (const release of held.splice(0)) release()
          if (act === 'refresh') tokens.set(who, (tokens.get(who) ?? 0) + 1)
          if (act === 'refresh' || act === 'sign out') issuer.change(`${who}-session`)
          if (act === 'swap') owners.set(who, `${owners.get(who)}x`)
          const owner = owners.get(who) ?? ''
          const accessToken = `${owner}-${tokens.get(who)}`
          const session = personOf(who, { userId: `idp/${owner}`, tokens: { ...ALICE.tokens, accessToken } })
          asked.push(
            value({ ...routed[audience], session }).then((found) =>
              found.startsWith('upstream-token-')
                ? undefined
                : assert.equal(found.replace(/\/\d+$/, ''), `${audience}/for/${accessToken}`),
            ),
          )
        }
        const isDone = Promise.all(asked).then(() => true)
        while (!(await Promise.race([isDone, new Promise((resolve) => setImmediate(resolve, false))])))
          for (const release of held.splice(0)) release()
      }),
      { numRuns: 60 },
    )
  })

  it('is got anew with the new token of the session, also while the old one is under way', async () => {
    const { value, issuer } = openWorld()
    const { answer } = issuer
    const gate = Promise.withResolvers<void>()
    issuer.answer = async (request) => {
      if (request.form.get('subject_token') === 'ann-access-token') await gate.promise
      return await answer(request)
    }
    const old = value({ session: personOf('ann') })
    const renewed = personOf('ann', { tokens: { ...ALICE.tokens, accessToken: 'renewed' } })
    assert.equal(await value({ session: renewed }), 'reports/for/renewed/1')
    gate.resolve()
    assert.equal(await old, 'reports/for/ann-access-token/2')
    assert.equal(
      await value({ session: renewed }),
      'reports/for/renewed/1',
      'the later answer did not take its place',
    )
    assert.equal(issuer.requests.length, 2)
  })

  it('is got anew with the new token also where nobody has told that the session was renewed', async () => {
    const { value } = openWorld()
    await value()
    const renewed = { ...ALICE, tokens: { ...ALICE.tokens, accessToken: 'renewed' } }
    assert.equal(await value({ session: renewed }), 'reports/for/renewed/2')
    assert.equal(await value(), 'reports/for/planted-access-token/3', 'and only the last one is kept')
  })

  it('is forgotten with the session, also while it is under way', async () => {
    const { value, issuer } = openWorld()
    const { answer } = issuer
    const gate = Promise.withResolvers<void>()
    issuer.answer = async (request) => {
      await gate.promise
      return await answer(request)
    }
    const first = value()
    issuer.change(ALICE.id)
    gate.resolve()
    await first
    assert.equal(await value(), 'reports/for/planted-access-token/2')
    issuer.change(ALICE.id)
    assert.equal(await value(), 'reports/for/planted-access-token/3')
  })

  it('is good to its end though the token that it was got with has ended before', async () => {
    const { value, issuer } = openWorld()
    await value()
    const ended = { token: 'planted-access-token', isGood: false }
    assert.equal(await value({ subject: ended }), 'reports/for/planted-access-token/1')
    const other = personOf('ann', { tokens: { ...ALICE.tokens, refreshToken: undefined } })
    assert.equal(
      await value({ session: other, subject: { token: 'x', isGood: false } }),
      'upstream-token-sign-in',
    )
    const renewable = personOf('ben')
    assert.equal(
      await value({ session: renewable, subject: { token: 'y', isGood: false } }),
      'upstream-token-unavailable',
    )
    assert.equal(issuer.requests.length, 1)
  })
})

describe('the memory of tokens for upstreams', () => {
  it('is bounded by bytes: the oldest is got anew', async () => {
    const { value, issuer } = openWorld()
    const large = 'x'.repeat(30_000)
    let n = 0
    issuer.answer = () =>
      answered({ access_token: `${large}${(n += 1)}`, token_type: 'Bearer', expires_in: 300 })
    for (let person = 0; person < 2400; person += 1) await value({ session: personOf(`p${person}`) })
    await value({ session: personOf('p2399') })
    assert.equal(issuer.requests.length, 2400)
    await value({ session: personOf('p0') })
    assert.equal(issuer.requests.length, 2401)
  })
})

describe('a token as it is handed out', () => {
  it('has a number of its own', async () => {
    const { get } = openWorld()
    const all = await Promise.all(['ann', 'ben', 'ann'].map((name) => get({ session: personOf(name) })))
    const serials = all.map((one) => (one as UpstreamToken).serial)
    assert.equal(new Set(serials).size, 2)
  })
})
