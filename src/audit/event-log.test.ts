import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ALICE } from '../extauthz/authorizer.fixture.ts'
import { eventLog } from './event-log.ts'

const said = (event: Parameters<ReturnType<typeof eventLog>>[0]) => {
  const lines: unknown[] = []
  eventLog({ info: (...line: unknown[]) => void lines.push(line) })(event)
  return lines
}

describe('the log of events', () => {
  it('says who signed in or out, under the decision id, and nothing of their tokens', () => {
    const session = { ...ALICE, tokens: { ...ALICE.tokens, refreshToken: 'planted' } }
    for (const change of ['signed in', 'signed out'] as const) {
      const lines = said({ kind: 'session', change, decisionId: 'decision-1', session })
      const fields = {
        user: ALICE.userId,
        email: ALICE.email,
        'session-id': ALICE.id,
        'request-id': 'decision-1',
      }
      assert.deepEqual(lines, [[fields, change]])
    }
  })

  it('says which configuration is in force', () => {
    const lines = said({ kind: 'config', decisionId: undefined, generation: 3, checksum: 'abc' })
    assert.deepEqual(lines, [[{ generation: 3, checksum: 'abc' }, 'a new configuration is in force']])
  })
})
