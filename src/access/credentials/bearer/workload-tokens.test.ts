import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { Fault } from '../../../errors.ts'
import { AUDIENCE } from './issuer.fixture.ts'
import { configOf, openWorld } from './world.fixture.ts'

const faultOf = (code: string) => (error: unknown) => error instanceof Fault && error.code === code

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a workload token', () => {
  it('makes its bearer known by the entry’s name and the subject, with its claims for policies', async () => {
    await using world = await openWorld()
    const session = await world.ask(await world.issuer.token({ 'kubernetes.io': { namespace: 'shop' } }))
    assert.ok(!('problem' in session))
    assert.deepEqual(
      [session.kind, session.userId, session.idpId],
      ['workload', 'ci/repo:acme/shop:ref:refs/heads/main', ''],
    )
    assert.deepEqual(session.claims['repository'], ['acme/shop'])
    assert.deepEqual(session.claims['repository_id'], ['4711'])
    assert.deepEqual(session.claims['kubernetes.io/namespace'], ['shop'])
    assert.ok(
      Object.values(session.tokens).every((token) => token === undefined),
      'the token is not kept',
    )
  })

  it('does not lend its bearer the address or the groups of people', async () => {
    await using world = await openWorld()
    const claims = { email: 'ceo@example.com', email_verified: true, groups: ['admins'], name: 'CEO' }
    const session = await world.ask(await world.issuer.token(claims))
    assert.ok(!('problem' in session))
    assert.deepEqual([session.email, session.name, session.groups], [undefined, undefined, []])
    assert.deepEqual(session.claims['groups'], ['admins'])
  })

  it('is verified once: the same token is the same session, and no promise', async () => {
    await using world = await openWorld()
    const token = await world.issuer.token()
    const [route] = configOf({ ci: { issuer: world.issuer.url, audiences: [AUDIENCE] } }).routes
    assert.ok(route)
    const [first, second] = await Promise.all([world.ask(token), world.ask(token)])
    assert.equal(first, second)
    assert.equal(world.tokens.session(route, token, '192.0.2.7'), first)
    assert.deepEqual(world.issuer.asked, ['/.well-known/openid-configuration', '/keys'])
    const other = await world.ask(await world.issuer.token({ jti: 'another' }))
    assert.ok(!('problem' in first) && !('problem' in other))
    assert.notEqual(other.id, first.id)
  })

  it('ends with itself, and is as old as it says', async () => {
    await using world = await openWorld(undefined, { settings: { cookie_expire: '2m' } })
    const seconds = Math.floor(world.clock.now / 1000)
    const short = await world.ask(await world.issuer.token({ exp: seconds + 30 }))
    const long = await world.ask(await world.issuer.token({ iat: seconds - 600, exp: seconds + 3600 }))
    assert.ok(!('problem' in short) && !('problem' in long))
    assert.equal(short.expiresAt, (seconds + 90) * 1000, 'a minute is given to clocks that differ')
    assert.deepEqual([long.issuedAt, long.expiresAt], [(seconds - 600) * 1000, (seconds + 3660) * 1000])
    world.clock.now += 91_000
    assert.equal(await world.problem(await world.issuer.token({ exp: seconds + 30 })), 'it has expired')
  })

  it('may name several audiences', async () => {
    await using world = await openWorld()
    assert.ok(!('problem' in (await world.ask(await world.issuer.token({ aud: ['other', AUDIENCE] })))))
    for (const aud of [
      'https://other.example.com',
      ['a', 'b'],
      [],
      '',
      undefined,
      `${AUDIENCE}/`,
      { 0: AUDIENCE },
    ])
      assert.match(await world.problem(await world.issuer.token({ aud })), /aud/, JSON.stringify(aud))
  })

  it('is refused for a time that is not now', async () => {
    await using world = await openWorld()
    const seconds = Math.floor(world.clock.now / 1000)
    for (const [claims, words] of [
      [{ exp: seconds - 61 }, /has expired/],
      [{ exp: undefined }, /no claim "exp"/],
      [{ exp: 'never' }, /well-formed|claim "exp"/],
      [{ nbf: seconds + 61 }, /not valid yet/],
      [{ iat: seconds + 61 }, /issued in the future/],
    ] as const)
      assert.match(await world.problem(await world.issuer.token(claims)), words)
    for (const claims of [
      { exp: seconds - 50 },
      { nbf: seconds + 50, iat: seconds + 50 },
      { nbf: undefined, iat: undefined },
    ])
      assert.ok(!('problem' in (await world.ask(await world.issuer.token(claims)))), JSON.stringify(claims))
  })

  it('is refused without a subject', async () => {
    await using world = await openWorld()
    for (const sub of [undefined, '', 7, ['x']])
      assert.match(await world.problem(await world.issuer.token({ sub })), /"sub"|well-formed/)
  })

  it('is refused when nobody signed it, or somebody else', async () => {
    await using world = await openWorld()
    const { issuer } = world
    const good = await issuer.token()
    const [header = '', payload = '', signature = ''] = good.split('.')
    const foreign = await generateKeyPair('RS256', { extractable: true })
    const hmac = (head: object) => {
      const content = `${base64(head)}.${payload}`
      return `${content}.${createHmac('sha256', issuer.publicPem).update(content).digest('base64url')}`
    }
    const forged: readonly string[] = [
      `${base64({ alg: 'none' })}.${payload}.`,
      `${base64({ alg: 'None', kid: 'key-1' })}.${payload}.`,
      `${base64({ alg: 'none' })}.${payload}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${header}.${base64({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ref: 'x' })}.${signature}`,
      hmac({ alg: 'HS256', kid: 'key-1' }),
      hmac({ alg: 'RS256', kid: 'key-1' }),
      await issuer.token({}, {}, foreign),
      await issuer.token({}, { kid: 'key-2' }, foreign),
      await issuer.token({}, { kid: '../../../../dev/null' }, foreign),
      await issuer.token({}, { kid: "' OR 1=1 --" }, foreign),
      await issuer.token({}, { jwk: await exportJWK(foreign.publicKey) }, foreign),
      await issuer.token({}, { jku: `${issuer.url}/evil` }, foreign),
      await issuer.token({}, { x5u: `${issuer.url}/evil`, x5c: ['AAAA'] }, foreign),
      `${base64({ alg: 'RS256', kid: 'key-1', crit: ['exp'], exp: 1 })}.${payload}.${signature}`,
      'abc',
      'a.b.c',
      '..',
      'e30.e30.',
    ]
    for (const token of forged) {
      const words = await world.problem(token)
      assert.doesNotMatch(words, /undefined|\.ts|Error/, words)
    }
    assert.ok(!issuer.asked.includes('/evil'), 'nothing that a token points to is fetched')
    assert.ok(!('problem' in (await world.ask(good))))
  })

  it('is refused when it is signed by an algorithm that the entry does not list', async () => {
    await using world = await openWorld(() => ({ supported_algs: ['ES256'] }))
    assert.match(await world.problem(await world.issuer.token()), /algorithm that is not accepted/)
  })

  it('is refused when its issuer is not known, though it is signed by a key of one that is', async () => {
    await using world = await openWorld()
    for (const iss of ['https://evil.example', undefined, '', `${world.issuer.url}/`, [world.issuer.url]])
      assert.match(
        await world.problem(await world.issuer.token({ iss })),
        /issuer \(iss\) is not known|well-formed/,
      )
    assert.deepEqual(world.issuer.asked, [])
  })

  it('that is huge, or holds what no token holds, is refused unread', async () => {
    await using world = await openWorld()
    assert.match(await world.problem('a'.repeat(16 * 1024 + 1)), /longer than 16 KB/)
    for (const token of ['', 'a b', 'ä', 'a,b', 'a"b', 'a\0b'])
      assert.match(await world.problem(token), /well-formed/)
    const large = await world.issuer.token({ filler: 'x'.repeat(11_000) })
    assert.ok(!('problem' in (await world.ask(large))))
  })
})

describe('pins', () => {
  const CLAIMS = {
    repository: 'acme/shop',
    ref: ['refs/heads/main', 'refs/heads/release'],
    repository_id: 4711,
  }

  it('all hold, or the token is refused and told which claim does not', async () => {
    await using world = await openWorld(() => ({ claims: CLAIMS }))
    assert.ok(!('problem' in (await world.ask(await world.issuer.token()))))
    assert.ok(!('problem' in (await world.ask(await world.issuer.token({ ref: 'refs/heads/release' })))))
    for (const [claims, claim] of [
      [{ repository: 'evil/shop' }, 'repository'],
      [{ repository: 'acme/shop2' }, 'repository'],
      [{ repository: 'ACME/shop' }, 'repository'],
      [{ repository: undefined }, 'repository'],
      [{ repository: { is: 'acme/shop' } }, 'repository'],
      [{ ref: 'refs/heads/feature' }, 'ref'],
      [{ ref: 'refs/pull/7/merge' }, 'ref'],
      [{ repository_id: 47110 }, 'repository_id'],
    ] as const)
      assert.equal(
        await world.problem(await world.issuer.token(claims)),
        `its claim "${claim}" is not one that is trusted here`,
      )
  })

  it('may say how a claim begins', async () => {
    await using world = await openWorld(() => ({ claims: { ref: { starts_with: 'refs/tags/v' } } }))
    assert.ok(!('problem' in (await world.ask(await world.issuer.token({ ref: 'refs/tags/v1.2' })))))
    assert.match(await world.problem(await world.issuer.token()), /"ref"/)
    assert.match(await world.problem(await world.issuer.token({ ref: 'xrefs/tags/v1' })), /"ref"/)
  })

  it('reach into a claim by a path', async () => {
    await using world = await openWorld(() => ({ claims: { 'kubernetes.io/namespace': 'shop' } }))
    const claims = { 'kubernetes.io': { namespace: 'shop' } }
    assert.ok(!('problem' in (await world.ask(await world.issuer.token(claims)))))
    assert.match(await world.problem(await world.issuer.token()), /kubernetes\.io\/namespace/)
  })

  it('hold anew when the configuration changes, for tokens that were accepted too', async () => {
    await using world = await openWorld()
    const token = await world.issuer.token()
    assert.ok(!('problem' in (await world.ask(token))))
    const entry = { issuer: world.issuer.url, audiences: [AUDIENCE], claims: { repository: 'acme/wiki' } }
    world.change(configOf({ ci: entry }))
    assert.match(await world.problem(token), /"repository"/)
  })
})

describe('the issuers of a route', () => {
  it('are those it lists: a token of another is refused before its keys are asked for, and after it was accepted elsewhere', async () => {
    await using world = await openWorld()
    const entry = { issuer: world.issuer.url, audiences: [AUDIENCE] }
    const both = { ci: entry, other: { issuer: 'http://127.0.0.1:1', audiences: [AUDIENCE] } }
    world.change(configOf(both, { route: { identity_providers: ['other'] } }))
    const token = await world.issuer.token()
    assert.match(await world.problem(token), /not accepted on this route/)
    assert.deepEqual(world.issuer.asked, [])
    const [open] = configOf(both).routes
    const [closed] = configOf(both, { route: { identity_providers: ['other'] } }).routes
    assert.ok(open && closed)
    assert.ok(!('problem' in (await world.tokens.session(open, token, '192.0.2.7'))))
    assert.ok('problem' in (await world.tokens.session(closed, token, '192.0.2.7')))
  })
})

describe('an issuer that is down', () => {
  it('is a failure, not a bad token, and is well again afterwards', async () => {
    await using world = await openWorld()
    world.issuer.failWith = 503
    const token = await world.issuer.token()
    await assert.rejects(world.ask(token), faultOf('IDP_UNREACHABLE'))
    world.issuer.failWith = 0
    world.clock.now += 2000
    assert.ok(!('problem' in (await world.ask(token))))
  })

  it('hinders nobody whose token is signed by a key that is known', async () => {
    await using world = await openWorld()
    await world.ask(await world.issuer.token())
    world.issuer.failWith = 500
    for (let hour = 0; hour < 5; hour++) {
      world.clock.now += 3_600_000
      assert.ok(!('problem' in (await world.ask(await world.issuer.token()))))
    }
  })

  it('or that calls itself otherwise, or whose keys are elsewhere in clear text, is a failure too', async () => {
    for (const metadata of [
      { issuer: 'https://other.example' },
      { jwks_uri: 'http://keys.example.com/' },
      { jwks_uri: 'file:///etc/passwd' },
      { jwks_uri: undefined },
    ]) {
      await using world = await openWorld()
      world.issuer.metadata = metadata
      await assert.rejects(world.ask(await world.issuer.token()), faultOf('IDP_UNREACHABLE'))
    }
  })
})

describe('tokens in any number', () => {
  it('a thousand that are garbage cost one question for keys, and little memory', async () => {
    await using world = await openWorld()
    const good = await world.issuer.token()
    assert.ok(!('problem' in (await world.ask(good))))
    const foreign = await generateKeyPair('ES256')
    for (let n = 0; n < 1000; n++) {
      const token = await new SignJWT({
        iss: world.issuer.url,
        sub: 'x',
        aud: AUDIENCE,
        exp: 9_999_999_999,
        n,
      })
        .setProtectedHeader({ alg: 'ES256', kid: `kid-${n}` })
        .sign(foreign.privateKey)
      assert.match(await world.problem(token), /signature/)
    }
    assert.equal(world.issuer.asked.filter((path) => path === '/keys').length, 1)
    assert.ok(!('problem' in (await world.ask(good))), 'and push no good one out')
  })

  it('of unknown keys make us ask once a minute', async () => {
    await using world = await openWorld()
    await world.ask(await world.issuer.token())
    for (let minute = 0; minute < 3; minute++) {
      world.clock.now += 60_000
      for (let n = 0; n < 20; n++)
        await world.problem(await world.issuer.token({ n }, { kid: `${minute}-${n}` }))
    }
    assert.ok(world.issuer.asked.filter((path) => path === '/keys').length <= 4)
  })
})
