import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AssertionInput, assertionClaims, claimHeaderValue, minimalClaims } from './assertion.ts'

const session = {
  id: 's1',
  userId: 'u1',
  email: 'alice@example.com',
  name: 'Alice',
  claims: { department: ['sales', 'eu'], sub: ['forged'], groups: ['forged'], email: ['forged@example.com'] },
}
const input: AssertionInput = {
  host: 'app.example.com',
  session,
  jwtClaims: [],
  issuerFormat: 'hostOnly',
  nowSeconds: 1000,
  jti: 'j1',
  groups: ['staff', 'admins'],
}

describe('the assertion', () => {
  it('tells who, for whom and until when', () => {
    assert.deepEqual(assertionClaims(input), {
      iss: 'app.example.com',
      aud: 'app.example.com',
      jti: 'j1',
      iat: 1000,
      exp: 1300,
      sub: 'u1',
      user: 'u1',
      email: 'alice@example.com',
      name: 'Alice',
      sid: 's1',
      groups: ['staff', 'admins'],
    })
  })
  it('writes the issuer as a URL when asked, and leaves the audience', () => {
    const { iss, aud } = assertionClaims({ ...input, issuerFormat: 'uri' })
    assert.deepEqual({ iss, aud }, { iss: 'https://app.example.com/', aud: 'app.example.com' })
  })
  it('is made for anonymous visitors too, with an empty subject', () => {
    const { sub, user, email, sid, groups } = assertionClaims({ ...input, session: 'anonymous', groups: [] })
    assert.deepEqual({ sub, user, email, sid, groups }, { sub: '', user: '', email: '', sid: '', groups: [] })
  })
  it('copies the claims it was told to, joined by commas, and no others', () => {
    const claims = assertionClaims({ ...input, jwtClaims: ['department', 'missing'] })
    assert.equal(claims['department'], 'sales,eu')
    assert.equal('missing' in claims, false)
  })
  it('lets no claim of the provider replace a base claim, nor an inherited property pass for one', () => {
    const claims = assertionClaims({
      ...input,
      jwtClaims: ['sub', 'email', 'groups', '__proto__', 'constructor'],
    })
    assert.deepEqual(claims, assertionClaims(input))
  })
  it('says what there was no room for', () => {
    const cut = {
      jwtClaims: ['department', 'missing'],
      groups: [],
      isGroupsCut: true,
      cutClaims: ['department'],
    }
    const claims = assertionClaims({ ...input, ...cut })
    assert.equal('department' in claims, false)
    const { groups, groups_truncated, claims_truncated } = claims
    assert.deepEqual(
      { groups, groups_truncated, claims_truncated },
      { groups: [], groups_truncated: true, claims_truncated: ['department'] },
    )
  })
})

describe('the minimal assertion', () => {
  it('tells for whom and until when, and of the person the id alone', () => {
    const minimal = { iss: 'app.example.com', aud: 'app.example.com', jti: 'j1', iat: 1000, exp: 1300 }
    assert.deepEqual(minimalClaims(input), { ...minimal, sub: 'u1' })
    assert.deepEqual(minimalClaims({ ...input, session: 'anonymous' }), { ...minimal, sub: '' })
  })
})

describe('a claim header', () => {
  const claims = assertionClaims({ ...input, jwtClaims: ['department'] })
  it('is made of the same claims as the assertion', () => {
    assert.equal(claimHeaderValue(claims, 'groups'), 'staff,admins')
    assert.equal(claimHeaderValue(claims, 'department'), 'sales,eu')
    assert.equal(claimHeaderValue(claims, 'email'), 'alice@example.com')
  })
  it('has no group that reads as two, and tells each from any other', () => {
    const odd = ['guests,staff', 'a%2Cb', 'a%25', '100% a', 'a%2cb']
    const { groups } = assertionClaims({ ...input, groups: odd })
    assert.deepEqual(groups, odd)
    const header = claimHeaderValue(assertionClaims({ ...input, groups: odd }), 'groups')
    assert.equal(header, 'guests%2Cstaff,a%252Cb,a%2525,100% a,a%252cb')
    const read = header.split(',').map((each) => each.replaceAll('%2C', ',').replaceAll('%25', '%'))
    assert.deepEqual(read, odd)
  })
  it('has one value of a copied claim as one, however many there are, and a text as it is', () => {
    const own = {
      roles: ['guests,staff'],
      teams: ['a,b', 'c'],
      squads: ['b,admins'],
      given_name: ['Doe, Jane'],
    }
    const made = assertionClaims({
      ...input,
      session: { ...session, claims: own },
      jwtClaims: Object.keys(own),
      groupsClaims: new Set(['roles']),
    })
    const values = Object.keys(own).map((name) => claimHeaderValue(made, name))
    assert.deepEqual(values, ['guests%2Cstaff', 'a%2Cb,c', 'b%2Cadmins', 'Doe, Jane'])
    assert.equal(made['squads'], 'b%2Cadmins')
  })
  it('is empty when there is no such claim', () => {
    for (const name of ['missing', 'toString', '__proto__']) assert.equal(claimHeaderValue(claims, name), '')
  })
})
