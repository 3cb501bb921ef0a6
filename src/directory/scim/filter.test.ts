import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFilter, resourceScope } from './filter.ts'
import { matches } from './filter-match.ts'
import { ScimRefusal } from './refusal.ts'
import { RESOURCE_TYPES } from './schema.ts'

const scope = resourceScope(RESOURCE_TYPES.User)
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const ALICE = {
  id: 'id-1',
  externalId: 'Ext-1',
  userName: 'Alice@example.com',
  active: true,
  name: { familyName: "O'Malley" },
  emails: [
    { value: 'alice@example.com', type: 'work' },
    { value: 'a@home.example', type: 'home' },
  ],
  meta: { lastModified: '2026-11-01T00:00:00.000Z' },
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
  [ENTERPRISE]: { department: 'Harbour', manager: { value: 'boss' } },
}
const finds = (filter: string) => matches(parseFilter(filter, scope), ALICE)

describe('a SCIM filter (RFC 7644 section 3.4.2.2)', () => {
  const hits = [
    'userName eq "alice@EXAMPLE.com"',
    'USERNAME Eq "alice@example.com"',
    'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "alice"',
    `${ENTERPRISE}:department eq "harbour"`,
    'name.familyName co "malley"',
    'emails eq "a@home.example"',
    'emails.value ew "@home.example"',
    'emails[type eq "work" and value co "@example.com"]',
    'emails[type eq "work"] and not (title pr)',
    'active eq true',
    'active eq True',
    'active eq "True"',
    'emails[type eq "work"].value eq "alice@example.com"',
    'emails[type eq "work"].value eq "ALICE@example.com" and active eq true',
    'Emails[Type eq "home" or type eq "other"].Value sw "a@"',
    'urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value co "alice"',
    'not (emails[type eq "work"].value eq "x@example.com")',
    'emails[type eq "work"].value pr',
    'id eq "id-1" and manager eq "boss"',
    'manager.value eq "boss"',
    `${ENTERPRISE}:manager eq "boss"`,
    'department sw "har"',
    `schemas eq "${ENTERPRISE}"`,
    'title eq null',
    'title ne "x"',
    'nickName pr or userName pr and externalId pr',
    '(nickName pr or userName pr) and externalId eq "Ext-1"',
    'meta.lastModified gt "2026-10-01T00:00:00Z"',
    String.raw`userName ne "quote \" in it"`,
  ]
  for (const filter of hits) it(`finds by ${filter}`, () => assert.equal(finds(filter), true))

  const misses = [
    'externalId eq "ext-1"',
    'emails[type eq "work" and value co "@home.example"]',
    'userName eq "x"',
    'active eq "false"',
    'active ne true',
    'emails[type eq "work"].value eq "a@home.example"',
    'emails[type eq "work"].display pr',
    'phoneNumbers[type eq "work"].value eq "1"',
    'title pr',
    'title eq "null"',
    'not (userName pr)',
    'userName gt "z"',
  ]
  for (const filter of misses) it(`does not find by ${filter}`, () => assert.equal(finds(filter), false))

  const wrong = [
    '',
    'userName',
    'userName eq',
    'userName eq x',
    'userName eq "x',
    'userName eq "x" and',
    'userName eq "x" "y"',
    'userName eq {"a":1}',
    '(userName pr',
    'userName pr)',
    'emails[type pr',
    'emails[type eq "work"].value',
    'emails[type eq "work"].nothing eq "x"',
    'emails[type eq "work"]value eq "x"',
    'unknown eq "x"',
    '__proto__ pr',
    'constructor.name eq "Object"',
    'userName.length gt 1',
    'emails[nothing eq 1]',
    `userName eq "${'x'.repeat(5000)}"`,
    Array.from({ length: 101 }, () => 'title pr').join(' or '),
    `${'('.repeat(50)}title pr${')'.repeat(50)}`,
    `${'not ('.repeat(5000)}title pr`,
  ]
  for (const filter of wrong)
    it(`refuses ${filter.slice(0, 40)}`, () => {
      assert.throws(
        () => parseFilter(filter, scope),
        (error) => error instanceof ScimRefusal && error.scimType === 'invalidFilter',
      )
    })
})
