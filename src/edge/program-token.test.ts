import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt, jwtVerify, SignJWT } from 'jose'
import { makeProgramToken, openProgramToken } from './program-token.ts'
import { hasReferenceForm, makeReference, openReference } from './session-reference.ts'

const KEY = Buffer.alloc(32, 7)
const HOST = 'app.example.com'
const CONTENT = {
  sessionId: 'session-1',
  audience: HOST,
  issuer: 'https://authenticate.example.com',
  issuedAt: 1_800_000_000_500,
  expiresAt: 1_800_003_600_999,
}
const token = makeProgramToken(CONTENT, KEY)

describe('the token of a program', () => {
  it('is a JWT that says until when it may be used', async () => {
    const { payload } = await jwtVerify(token, KEY, { currentDate: new Date(CONTENT.issuedAt) })
    assert.deepEqual(payload, {
      iss: CONTENT.issuer,
      aud: HOST,
      sid: 'session-1',
      iat: 1_800_000_000,
      exp: 1_800_003_600,
    })
  })
  it('names its session on its host, and on no other', () => {
    assert.equal(openProgramToken(token, HOST, KEY), 'session-1')
    assert.equal(openProgramToken(token, 'APP.example.com', KEY), 'session-1')
    for (const host of ['other.example.com', 'example.com', '', 'x.app.example.com'])
      assert.equal(openProgramToken(token, host, KEY), undefined, host)
  })
  it('is nothing when altered, when signed by others, and in other spellings', async () => {
    const [header = '', payload = '', mac = ''] = token.split('.')
    const claims = decodeJwt(token)
    const forged = Buffer.from(JSON.stringify({ ...claims, sid: 'session-2' })).toString('base64url')
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const other = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(Buffer.alloc(32, 8))
    const hs512 = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS512', typ: 'JWT' })
      .sign(Buffer.alloc(64, 7))
    const altered = [
      `${header}.${forged}.${mac}`,
      `${none}.${payload}.`,
      `${none}.${payload}.${mac}`,
      `${header}.${payload}.${mac.slice(0, -1)}${mac.endsWith('A') ? 'B' : 'A'}`,
      `${header}.${payload}.${mac}=`,
      ` ${token}`,
      `${token}\n`,
      `${header}.${payload}`,
      '..',
      '',
      other,
      hs512,
    ]
    for (const text of altered) assert.equal(openProgramToken(text, HOST, KEY), undefined, text)
  })
  it('is no cookie, and a cookie is none', () => {
    const scope = { audience: HOST, cookieName: '_pomerium' }
    assert.equal(hasReferenceForm(token), false)
    assert.equal(openReference(token, scope, KEY), undefined)
    assert.equal(
      openProgramToken(makeReference({ sessionId: 'session-1', ...scope }, KEY), HOST, KEY),
      undefined,
    )
  })
})
