import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BearerSource } from '../access/ports.ts'
import { ALICE, authorizerFor, configOf, referenceOf } from './authorizer.fixture.ts'

const REFERENCE = referenceOf(ALICE)
const TOKEN = 'eyJ.good.token'

/** Everything that some server takes for the space between a scheme and its value, beside the blank. */
const WHITE_SPACE = [
  '\t',
  '\t\t',
  ' \t',
  '\t ',
  '\u00a0',
  '\u0085',
  '\u2003',
  '\u3000',
  '\u000b',
  '\ufffd',
  ':',
  '=',
  '"',
  '!',
]

const SCHEMES = ['Bearer', 'bearer', 'BEARER', 'bEaReR']

const asked: string[] = []
const bearer: BearerSource = {
  session: (_route, token) => {
    asked.push(token)
    return { problem: 'it is not a well-formed JWT' }
  },
}
const PUBLIC_ROUTE = {
  name: 'app',
  from: 'https://app.example.com',
  to: 'http://app:8080',
  allow_public_unauthenticated_access: true,
}
const ISSUERS = { identity_providers: { ci: { issuer: 'https://ci.example.com', audiences: ['app'] } } }

const takingTokens = () =>
  authorizerFor(configOf([{ ...PUBLIC_ROUTE, bearer_token_format: 'jwt' }], ISSUERS), { ports: { bearer } })

describe('Authorization on a public route that takes bearer tokens', () => {
  const ODD: readonly string[] = [
    ...SCHEMES.flatMap((scheme) => WHITE_SPACE.map((space) => `${scheme}${space}${TOKEN}`)),
    ...WHITE_SPACE.map((space) => `${space}Bearer ${TOKEN}`).filter((text) => /^[^!-~]/.test(text)),
    `Bearer ${TOKEN}\t`,
    `Bearer ${TOKEN} more`,
    `Bearer "${TOKEN}"`,
    `Bearer-${TOKEN}`,
    `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    `Bearer ${TOKEN},Basic eDp5`,
    `Basic eDp5, Bearer ${TOKEN}`,
    `Basic eDp5,\tbearer\t${TOKEN}`,
    `, Bearer ${TOKEN}`,
    `,Bearer\u00a0${TOKEN}`,
  ]
  for (const authorization of ODD)
    it(`is refused as ${JSON.stringify(authorization)}, and nobody is asked about it`, async () => {
      using fixture = takingTokens()
      asked.length = 0
      const { status, isAllowed } = await fixture.ask({ headers: { authorization } })
      assert.deepEqual([isAllowed, status, asked], [false, 400, []])
    })

  for (const authorization of ['Bearer', 'Bearer ', 'bearer   ', `BEARER    ${TOKEN}`, ` Bearer ${TOKEN} `])
    it(`is verified as ${JSON.stringify(authorization)}`, async () => {
      using fixture = takingTokens()
      asked.length = 0
      assert.equal((await fixture.ask({ headers: { authorization } })).status, 401)
      assert.deepEqual(asked, [authorization.trim().split(/ +/)[1] ?? ''])
    })

  for (const authorization of [
    'Basic eDp5',
    'Bearerx abc',
    'Token bearer',
    'Digest username="bearer"',
    'x Bearer y',
  ])
    it(`is another scheme, and the upstream’s, as ${JSON.stringify(authorization)}`, async () => {
      using fixture = takingTokens()
      const answer = await fixture.ask({ headers: { authorization } })
      assert.ok(answer.isAllowed)
      assert.ok(!answer.removed.includes('authorization'))
    })
})

describe('a reference in a header', () => {
  const ODD: readonly Record<string, string>[] = [
    ...WHITE_SPACE.flatMap((space) => [
      { authorization: `Pomerium${space}${REFERENCE}` },
      { authorization: `Bearer${space}Pomerium-${REFERENCE}` },
    ]),
    { authorization: `Pomerium-${REFERENCE}` },
    { authorization: `Pomerium ${REFERENCE} more` },
    { authorization: `Pomerium ${REFERENCE}, Pomerium ${REFERENCE}` },
    { authorization: `Basic eDp5,pomerium\t${REFERENCE}` },
    { authorization: `Basic eDp5, Bearer\tPomerium-${REFERENCE}` },
    { 'proxy-authorization': `Pomerium ${REFERENCE}` },
    { 'proxy-authorization': `Bearer Pomerium-${REFERENCE}` },
    { 'x-pomerium-authorization': `Pomerium ${REFERENCE}` },
    { 'x-pomerium-authorization': `Bearer ${REFERENCE}` },
    { 'x-pomerium-authorization': `${REFERENCE},${REFERENCE}` },
    { 'x-pomerium-authorization': `\t${REFERENCE}` },
    { 'x-pomerium-authorization': `"${REFERENCE}"` },
  ]
  for (const headers of ODD)
    it(`that is written ${JSON.stringify(headers)} is refused on a public route, and the app does not see it`, async () => {
      using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
      const { status, isAllowed } = await fixture.ask({ headers })
      assert.deepEqual([isAllowed, status], [false, 400])
    })

  it('that is written plainly is taken, whatever the case of the scheme, and taken off', async () => {
    for (const authorization of [
      `Pomerium ${REFERENCE}`,
      `POMERIUM   ${REFERENCE}`,
      `bearer  pomerium-${REFERENCE}`,
      ` Pomerium ${REFERENCE} `,
    ]) {
      using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
      const answer = await fixture.ask({ headers: { authorization } })
      assert.ok(answer.isAllowed, authorization)
      assert.ok(answer.removed.includes('authorization'), authorization)
      assert.equal(fixture.lines.at(-1)?.['session-id'], ALICE.id, authorization)
    }
  })

  it('that holds nothing names nobody, and is taken off', async () => {
    for (const authorization of ['Pomerium', 'pomerium ', 'Bearer Pomerium-']) {
      using fixture = authorizerFor(configOf([PUBLIC_ROUTE]))
      const answer = await fixture.ask({ headers: { authorization } })
      assert.ok(answer.isAllowed, authorization)
      assert.ok(answer.removed.includes('authorization'), authorization)
    }
  })
})
