import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UnsecuredJWT } from 'jose'
import type { UpstreamTokenTerms } from '../../config/keys/upstream/upstream-token.ts'
import { readTokenAnswer, tokenForm, type UpstreamTokenLack } from './token-request.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const SECONDS = NOW / 1000

const termsOf = (terms: Partial<UpstreamTokenTerms> = {}): UpstreamTokenTerms => ({
  grant: 'token_exchange',
  subject_token: 'access_token',
  requested_token_type: 'access_token',
  header: 'Authorization',
  client_authentication: 'client_secret_basic',
  client_secret: undefined,
  optional: false,
  ...terms,
})

const jwt = (claims: Record<string, unknown>) => new UnsecuredJWT(claims).encode()
const GOOD = { access_token: 'issued', token_type: 'Bearer', expires_in: 300 }

const read = (
  body: unknown,
  {
    status = 200,
    headers = { 'content-type': 'application/json' },
    terms = {},
  }: { status?: number; headers?: Record<string, string>; terms?: Partial<UpstreamTokenTerms> } = {},
) =>
  readTokenAnswer(
    new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers }),
    termsOf(terms),
    { now: NOW, secrets: ['short-pass', 'the-subject-token'] },
  )

const entriesOf = (terms: Partial<UpstreamTokenTerms>) => [...tokenForm(termsOf(terms), 'subject')]

const lackOf = async (error_description: unknown, grant: UpstreamTokenTerms['grant'] = 'token_exchange') => {
  const found = await read({ error: 'invalid_request', error_description }, { status: 400, terms: { grant } })
  return 'lack' in found && found.lack
}

const isOfIssuer = async (status: number, error?: string) => {
  const found = await read(error === undefined ? '<html>' : { error }, { status })
  return 'lack' in found && found.isOfIssuer === true
}

describe('a token request', () => {
  it('exchanges a token as RFC 8693 says', () => {
    assert.deepEqual(
      entriesOf({
        audience: ['a', 'b'],
        resource: ['https://r.example'],
        scopes: ['x', 'y'],
        subject_token: 'id_token',
        requested_token_type: 'jwt',
        request_params: { connector_id: 'main' },
      }),
      [
        ['connector_id', 'main'],
        ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
        ['subject_token', 'subject'],
        ['subject_token_type', 'urn:ietf:params:oauth:token-type:id_token'],
        ['requested_token_type', 'urn:ietf:params:oauth:token-type:jwt'],
        ['audience', 'a'],
        ['audience', 'b'],
        ['resource', 'https://r.example'],
        ['scope', 'x y'],
      ],
    )
  })

  it('asks on behalf of somebody as Entra ID documents it', () => {
    assert.deepEqual(entriesOf({ grant: 'on_behalf_of', scopes: ['api://reports/.default'] }), [
      ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      ['assertion', 'subject'],
      ['requested_token_use', 'on_behalf_of'],
      ['scope', 'api://reports/.default'],
    ])
  })

  it('holds nothing of a person where a client asks for itself', () => {
    assert.deepEqual(entriesOf({ grant: 'client_credentials', audience: ['a'] }), [
      ['grant_type', 'client_credentials'],
      ['audience', 'a'],
    ])
  })
})

describe('the answer of a token endpoint', () => {
  it('is a token that can be used for as long as it says', async () => {
    assert.deepEqual(await read(GOOD), { value: 'issued', lifetimeMs: 300_000 })
  })

  for (const [name, more, lifetimeMs] of [
    ['a number as a text', { expires_in: '120' }, 120_000],
    ['nothing', { expires_in: undefined }, 60_000],
    ['null', { expires_in: null }, 60_000],
    ['an empty text', { expires_in: '' }, 60_000],
    ['a fraction', { expires_in: 1.5 }, 1500],
    ['more than anybody could take back', { expires_in: 1e12 }, 86_400_000],
    [
      'nothing, with the end in the token',
      { expires_in: undefined, access_token: jwt({ exp: SECONDS + 90 }) },
      90_000,
    ],
    [
      'more than the token says itself, by its own clock',
      { expires_in: 3600, access_token: jwt({ iat: SECONDS - 9000, exp: SECONDS - 9000 + 30 }) },
      30_000,
    ],
    ['a number, and a token that says nothing', { expires_in: 7, access_token: jwt({ exp: 'soon' }) }, 7000],
  ] as const) {
    it(`says when it ends: ${name}`, async () => {
      const found = await read({ ...GOOD, ...more })
      assert.ok('lifetimeMs' in found, JSON.stringify(found))
      assert.equal(found.lifetimeMs, lifetimeMs)
    })
  }

  for (const [name, body, terms] of [
    ['0 seconds', { ...GOOD, expires_in: 0 }],
    ['fewer', { ...GOOD, expires_in: -5 }],
    ['words for a number', { ...GOOD, expires_in: 'soon' }],
    ['a list for a number', { ...GOOD, expires_in: [300] }],
    ['an end that is past', { ...GOOD, expires_in: undefined, access_token: jwt({ exp: SECONDS - 1 }) }],
    ['no token', { token_type: 'Bearer', expires_in: 300 }],
    ['an empty token', { ...GOOD, access_token: '' }],
    ['a token that is no text', { ...GOOD, access_token: { token: 'x' } }],
    ['a line break in the token', { ...GOOD, access_token: 'a\r\nx-admin: 1' }],
    ['a comma in the token', { ...GOOD, access_token: 'a,b' }],
    ['a blank in the token', { ...GOOD, access_token: 'a b' }],
    ['other than ASCII in the token', { ...GOOD, access_token: 'tök' }],
    ['a token larger than headers', { ...GOOD, access_token: 'x'.repeat(33_000) }],
    ['no type', { ...GOOD, token_type: undefined }],
    ['a type that needs a proof', { ...GOOD, token_type: 'DPoP' }],
    [
      'another kind than was asked for',
      { ...GOOD, issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    ],
    ['N_A for a client’s own token', { ...GOOD, token_type: 'N_A' }, { grant: 'client_credentials' }],
    [
      'a token for somebody else',
      { ...GOOD, access_token: jwt({ aud: ['sallyport'] }) },
      { audience: ['reports'] },
    ],
    ['a token for nobody', { ...GOOD, access_token: jwt({ sub: 'x' }) }, { audience: ['reports'] }],
    ['an empty body', ''],
    ['a list', []],
    ['a page', '<!doctype html><title>Sign in</title>'],
  ] as const) {
    it(`is not passed on: ${name}`, async () => {
      const found = await read(body, { terms: { ...terms } as Partial<UpstreamTokenTerms> })
      assert.ok('lack' in found, JSON.stringify(found))
      assert.equal(found.lack, 'upstream-token-invalid')
    })
  }

  it('is passed on whoever else it is for, and as the kind that was asked for', async () => {
    for (const [more, terms] of [
      [{ access_token: jwt({ aud: ['x', 'reports'], exp: SECONDS + 300 }) }, { audience: ['reports', 'y'] }],
      [{ access_token: jwt({ aud: 'reports', exp: SECONDS + 300 }) }, { audience: ['reports'] }],
      [{ access_token: 'opaque|token' }, { audience: ['reports'] }],
      [{ token_type: 'bearer', issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' }, {}],
      [{ token_type: 'N_A', issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' }, {}],
      [
        { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
        { requested_token_type: 'jwt' },
      ],
    ] as const) {
      const found = await read({ ...GOOD, ...more }, { terms: { ...terms } as Partial<UpstreamTokenTerms> })
      assert.ok('value' in found, JSON.stringify([more, found]))
    }
  })

  for (const [status, error, lack, grant = 'token_exchange'] of [
    [400, 'invalid_grant', 'upstream-token-sign-in'],
    [400, 'interaction_required', 'upstream-token-sign-in'],
    [401, 'login_required', 'upstream-token-sign-in'],
    [400, 'consent_required', 'upstream-token-sign-in', 'on_behalf_of'],
    [400, 'invalid_grant', 'upstream-token-invalid', 'client_credentials'],
    [403, 'access_denied', 'upstream-token-refused'],
    [403, 'access_denied', 'upstream-token-invalid', 'client_credentials'],
    [400, 'invalid_request', 'upstream-token-invalid'],
    [400, 'invalid_target', 'upstream-token-invalid'],
    [401, 'invalid_client', 'upstream-token-invalid'],
    [400, undefined, 'upstream-token-invalid'],
    [302, undefined, 'upstream-token-invalid'],
    [400, 'temporarily_unavailable', 'upstream-token-unavailable'],
    [429, undefined, 'upstream-token-unavailable'],
    [500, 'invalid_grant', 'upstream-token-unavailable'],
    [503, undefined, 'upstream-token-unavailable'],
  ] as const satisfies readonly (readonly [
    number,
    string | undefined,
    UpstreamTokenLack,
    UpstreamTokenTerms['grant']?,
  ])[]) {
    it(`is a refusal for the right person: ${status} ${error ?? 'without a word'}, ${grant}`, async () => {
      const found = await read(error === undefined ? '<html>' : { error }, { status, terms: { grant } })
      assert.ok('lack' in found)
      assert.equal(found.lack, lack)
    })
  }

  it('takes an invalid request for an invalid token where the words say so', async () => {
    for (const words of ['Invalid token', 'subject_token has expired', 'The token was revoked'])
      assert.equal(await lackOf(words), 'upstream-token-sign-in', words)
    for (const words of [
      'Requested audience not available: reports',
      'Invalid subject_token_type',
      'Missing parameter: subject_token',
      'Invalid client or token',
      7,
    ])
      assert.equal(await lackOf(words), 'upstream-token-invalid', String(words))
    assert.equal(await lackOf('Invalid token', 'client_credentials'), 'upstream-token-invalid')
  })

  it('says whether others would fare no better', async () => {
    for (const error of ['invalid_grant', 'access_denied', 'invalid_request', 'invalid_target'])
      assert.equal(await isOfIssuer(400, error), false, error)
    for (const [status, error] of [[400, 'invalid_client'], [500], [429], [302], [404]] as const)
      assert.equal(await isOfIssuer(status, error), true, `${status} ${error}`)
  })

  it('says when it may be asked again', async () => {
    const found = await read('', { status: 503, headers: { 'retry-after': '7' } })
    assert.equal('lack' in found && found.retryAfterMs, 7000)
  })

  it('is told in the log without what it repeats of tokens and secrets', async () => {
    const description = `Token the-subject-token of client with short-pass, eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.sig is\nexpired ${'x '.repeat(500)}`
    const found = await read({ error: 'invalid_grant', error_description: description }, { status: 400 })
    assert.ok('lack' in found)
    assert.match(found.why, /^it answered 400 invalid_grant Token … of client with …, … is expired/)
    assert.doesNotMatch(found.why, /subject-token|short-pass|eyJ|\n/)
    assert.ok(found.why.length < 300)
    const odd = await read({ error: 'a\nb'.repeat(100), error_description: 7 }, { status: 400 })
    assert.ok('lack' in odd && !odd.why.includes('\n'))
  })
})
