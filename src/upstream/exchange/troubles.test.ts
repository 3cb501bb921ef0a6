import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HttpFailure } from '../../outbound/http-client.ts'
import { answered } from './issuer.fixture.ts'
import type { Failure } from './token-request.ts'
import { ALICE, openWorld, personOf, SECOND, want } from './world.fixture.ts'

describe('an issuer that gives no token', () => {
  it('is not asked again by the same person for a while, ever longer, and then it is', async () => {
    const { value, issuer, clock } = openWorld()
    issuer.answer = () => answered({ error: 'invalid_grant' }, 400)
    let asked = 0
    for (const pause of [1, 2, 4, 8, 16, 30, 30]) {
      assert.equal(await value(), 'upstream-token-sign-in')
      asked += 1
      clock.now += pause * SECOND - 1
      assert.equal(await value(), 'upstream-token-sign-in')
      assert.equal(issuer.requests.length, asked)
      clock.now += 1
    }
  })

  it('is asked at once with another token of the session, and after a change of the configuration', async () => {
    const { value, issuer } = openWorld()
    const { answer } = issuer
    issuer.answer = () => answered({ error: 'invalid_grant' }, 400)
    await value()
    issuer.answer = answer
    assert.equal(await value(), 'upstream-token-sign-in')
    const session = { ...ALICE, tokens: { ...ALICE.tokens, accessToken: 'new' } }
    assert.equal(await value({ session }), 'reports/for/new/1')
    issuer.answer = () => answered({ error: 'invalid_client' }, 401)
    assert.equal(await value({ session: personOf('ann') }), 'upstream-token-invalid')
    issuer.answer = answer
    issuer.reload()
    assert.equal(await value({ session: personOf('ann') }), 'reports/for/ann-access-token/2')
  })

  it('refuses one and not the others: their tokens are asked for as ever', async () => {
    const { value, issuer } = openWorld()
    const { answer } = issuer
    issuer.answer = (request) =>
      request.form.get('subject_token')?.startsWith('bad') === true
        ? answered({ error: 'server_error' }, 500)
        : answer(request)
    for (let n = 0; n < 20; n += 1) {
      await value({ session: personOf('bad', { id: `s${n}` }) })
      assert.match(await value({ session: personOf(`good${n}`) }), /^reports\/for\/good/)
    }
    issuer.answer = () => answered({ error: 'invalid_grant' }, 400)
    for (let n = 0; n < 5; n += 1) await value({ session: personOf(`gone${n}`) })
    issuer.answer = answer
    assert.match(await value({ session: personOf('dora') }), /^reports\/for\/dora/)
  })

  it('refuses one person with many sessions, in a row, and the others are served all the same', async () => {
    const { value, issuer } = openWorld()
    const { answer } = issuer
    issuer.answer = () => answered({ error: 'server_error' }, 500)
    for (let n = 0; n < 20; n += 1) await value({ session: personOf('bad', { id: `s${n}` }) })
    assert.equal(issuer.requests.length, 20)
    issuer.answer = answer
    assert.match(await value({ session: personOf('ann') }), /for\/ann/)
  })

  it('that is down is asked by one at a time, not once a request, and is back at once', async () => {
    const { value, issuer, clock } = openWorld()
    const { answer } = issuer
    issuer.answer = () => Promise.reject(new HttpFailure('connection refused'))
    for (let n = 0; n < 100; n += 1)
      assert.equal(await value({ session: personOf(`p${n}`) }), 'upstream-token-unavailable')
    assert.equal(issuer.requests.length, 3, 'three people in a row, then nobody')
    clock.now += 1 * SECOND
    for (let n = 0; n < 100; n += 1) await value({ session: personOf(`q${n}`) })
    assert.equal(issuer.requests.length, 4)
    issuer.answer = answer
    clock.now += 2 * SECOND
    assert.match(await value({ session: personOf('ann') }), /for\/ann/)
    assert.match(await value({ session: personOf('ben') }), /for\/ben/)
  })

  it('is given the time that it asks for, within bounds', async () => {
    for (const [header, waits] of [
      ['7', 7],
      ['86400', 30],
      ['x', 1],
    ] as const) {
      const { value, issuer, clock } = openWorld()
      issuer.answer = () => answered({}, 429, { 'retry-after': header })
      await value()
      clock.now += waits * SECOND - 1
      await value()
      assert.equal(issuer.requests.length, 1, header)
      clock.now += 1
      await value()
      assert.equal(issuer.requests.length, 2, header)
    }
  })

  it('is waited for no longer than Envoy waits for a check', async () => {
    const { value, issuer } = openWorld({ answerWithinMs: 30 })
    issuer.answer = () => new Promise(() => undefined)
    assert.equal(await value(), 'upstream-token-unavailable')
    assert.match(issuer.lines.join(''), /no answer in time/)
  })

  it('is not to be found, or knows no such thing: both are told apart', async () => {
    const { value, issuer } = openWorld()
    issuer.unreachable.add('idp-down')
    issuer.withoutEndpoint.add('idp-none')
    assert.equal(
      await value({ session: personOf('ann', { idpId: 'idp-down' }) }),
      'upstream-token-unavailable',
    )
    assert.equal(await value({ session: personOf('ben', { idpId: 'idp-none' }) }), 'upstream-token-invalid')
    assert.equal(issuer.requests.length, 0)
  })

  it('has no more than so many questions open at once', async () => {
    const { issuer } = openWorld()
    const gate = Promise.withResolvers<void>()
    const { answer } = issuer
    issuer.answer = async (request) => {
      await gate.promise
      return await answer(request)
    }
    const all = Array.from({ length: 10_000 }, (_, n) =>
      issuer.tokens.tokenFor(want({ session: personOf(`p${n}`) })),
    )
    const refused = all.filter((one): one is Failure => !(one instanceof Promise) && 'lack' in one)
    assert.equal(refused.length, 9500)
    assert.ok(refused.every(({ lack }) => lack === 'upstream-token-unavailable'))
    gate.resolve()
    const found = await Promise.all(all.map(async (one) => await one))
    assert.equal(found.filter((one) => 'value' in one).length, 500)
    assert.equal(issuer.requests.length, 500)
    const late = await issuer.tokens.tokenFor(want({ session: personOf('p9999') }))
    assert.ok('value' in late, 'nobody is kept out for longer')
  })
})

describe('the log', () => {
  it('tells a trouble once, and that it is over, and never a token', async () => {
    const { value, issuer, clock } = openWorld()
    const { answer } = issuer
    issuer.answer = ({ form }) =>
      answered({ error: 'server_error', error_description: `about ${form.get('subject_token')}` }, 500)
    for (let n = 0; n < 10; n += 1) {
      await value()
      clock.now += 500
    }
    issuer.answer = answer
    clock.now += 30 * SECOND
    const issued = await value()
    assert.ok(issued.startsWith('reports/for'))
    const lines = issuer.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      lines.map(({ level, msg, reason, err }) => [level, msg, reason, err]),
      [
        [
          'warn',
          'no token for an upstream',
          'upstream-token-unavailable',
          'it answered 500 server_error about …',
        ],
        ['info', 'tokens for an upstream are to be had again', undefined, undefined],
      ],
    )
    assert.doesNotMatch(issuer.lines.join(''), /planted|reports\/for/)
  })
})
