import assert from 'node:assert/strict'
import { it } from 'node:test'
import { namedSessions } from './named-sessions.ts'
import { makeProgramToken } from './program-token.ts'
import { makeReference } from './session-reference.ts'

const KEYS = { cookie: Buffer.alloc(32, 1), program: Buffer.alloc(32, 2) }
const SCOPE = { audience: 'app.example.com', cookieName: '__Host-_pomerium' }
const reference = (sessionId: string) => makeReference({ sessionId, ...SCOPE }, KEYS.cookie)
const token = (sessionId: string) =>
  makeProgramToken(
    { sessionId, audience: SCOPE.audience, issuer: 'https://a.example.com', issuedAt: 0, expiresAt: 1e15 },
    KEYS.program,
  )

const named = (cookies: readonly string[], headers: readonly string[]) =>
  namedSessions({ cookies, headers }, SCOPE, KEYS)

it('names each session once: references from anywhere, and tokens of programs from headers alone', () => {
  assert.deepEqual(named([reference('a')], [reference('a'), token('a')]), ['a'])
  assert.deepEqual(named([reference('a')], [token('b')]), ['a', 'b'])
  assert.deepEqual(named([token('a')], []), [])
  assert.deepEqual(named([token('a')], ['x']), [])
  assert.deepEqual(named([], ['x', '', token('a')]), ['a'])
})
