import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RawClaims } from '../flat-claims.ts'
import { watchClaims } from './claims-seen.ts'

function watched(
  keys: { readonly groups_claim?: string; readonly email_claim?: string },
  copied: string[] = [],
) {
  const warnings: string[] = []
  const logger = {
    info() {},
    warn: (fields: object, message: string) => void warnings.push(`${JSON.stringify(fields)} ${message}`),
  }
  const watching = watchClaims({ client: { name: 'default', ...keys }, logger, copied: () => copied })
  return { note: (claims: RawClaims) => watching.note(claims), warnings }
}

describe('a claim that a configuration names', () => {
  it('is warned about once when it does not come', () => {
    const { note, warnings } = watched({ groups_claim: 'realm_access.rolse' }, [
      'departement',
      'email',
      'groups',
    ])
    const claims = { sub: 'u', realm_access: { roles: [] } }
    note(claims)
    note(claims)
    assert.equal(warnings.length, 2)
    assert.match(
      warnings[0] ?? '',
      /"claim":"realm_access.rolse","claims":\["sub","realm_access"\].*has not sent so far/,
    )
    assert.match(warnings[1] ?? '', /"claim":"departement"/)
  })

  it('is not warned about when it comes, whatever it holds', () => {
    const { note, warnings } = watched({ groups_claim: 'realm_access.roles', email_claim: 'upn' }, ['a/b'])
    note({ realm_access: { roles: [] }, upn: 'a@b', a: { b: 0 } })
    assert.deepEqual(warnings, [])
  })
})

it('groups in one text with commas are told once', () => {
  const { note, warnings } = watched({})
  note({ groups: 'staff' })
  note({ groups: 'staff,admins' })
  note({ groups: 'staff,admins' })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /one text with commas/)
})
