import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RawClaims } from '../flat-claims.ts'
import { watchClaims } from './claims-seen.ts'

function watched(
  keys: { readonly groups_claim?: string; readonly email_claim?: string },
  copied: string[] = [],
) {
  const told: string[] = []
  const logger = {
    info() {},
    warn: (fields: object, message: string) => void told.push(`${JSON.stringify(fields)} ${message}`),
  }
  const watching = watchClaims({ client: { name: 'default', ...keys }, logger, copied: () => copied })
  return { note: (claims: RawClaims) => watching.note(claims), told }
}

describe('a claim that a configuration names', () => {
  it('is warned about once when it does not come', () => {
    const { note, told } = watched({ groups_claim: 'realm_access.rolse' }, ['departement', 'email', 'groups'])
    const claims = { sub: 'u', realm_access: { roles: [] } }
    note(claims)
    note(claims)
    assert.equal(told.length, 2)
    assert.match(
      told[0] ?? '',
      /"claim":"realm_access.rolse","claims":\["sub","realm_access"\].*has not sent so far/,
    )
    assert.match(told[1] ?? '', /"claim":"departement"/)
  })

  it('is not warned about when it comes, whatever it holds', () => {
    const { note, told } = watched({ groups_claim: 'realm_access.roles', email_claim: 'upn' }, ['a/b'])
    note({ realm_access: { roles: [] }, upn: 'a@b', a: { b: 0 } })
    assert.deepEqual(told, [])
  })
})

it('groups in one text with commas are told once', () => {
  const { note, told } = watched({})
  note({ groups: 'staff' })
  note({ groups: 'staff,admins' })
  note({ groups: 'staff,admins' })
  assert.equal(told.length, 1)
  assert.match(told[0] ?? '', /one text with commas/)
})
