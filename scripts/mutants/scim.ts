import type { Mutant } from './mutant.ts'

const SCIM = 'src/directory/scim'

export const MUTANTS: readonly Mutant[] = [
  {
    file: `${SCIM}/patch.ts`,
    find: "  if (attribute?.mutability === 'readOnly') return\n",
    replace:
      "  if (attribute?.mutability === 'readOnly') throw new ScimRefusal(400, 'read-only', 'mutability')\n",
    tests: [`${SCIM}/deactivation.test.ts`],
    breaks:
      'A disabled person keeps their access when the same PATCH also names an attribute that is read-only.',
  },
  {
    file: `${SCIM}/patch.ts`,
    find: "    if (attribute?.decides === true || !(error instanceof ScimRefusal) || error.scimType === 'tooMany')",
    replace: '    if (error instanceof ScimRefusal)',
    tests: [`${SCIM}/deactivation.test.ts`],
    breaks:
      'A disabled person keeps their access when the same PATCH holds a telephone number of an odd form.',
  },
  {
    file: `${SCIM}/patch.ts`,
    find: "  if ('value' in implied && sub !== undefined && sub.name !== 'value') return items\n",
    replace: '',
    tests: [`${SCIM}/patch.test.ts`],
    breaks: 'Describing an address that a person does not have gives it to them, and its groups.',
  },
  {
    file: `${SCIM}/patch.ts`,
    find: "  if (operation === 'replace' || sub !== undefined)\n",
    replace: '  if (false)\n',
    tests: [`${SCIM}/patch.test.ts`],
    breaks: 'Somebody comes into a group by the name that they are shown with being changed.',
  },
  {
    file: `${SCIM}/read-resource.ts`,
    find: "  return before['active'] === false && after['active'] === undefined ? { ...after, active: false } : after",
    replace: '  return after',
    tests: [`${SCIM}/deactivation.test.ts`],
    breaks: 'A PUT without `active`, `null` or a removal lets somebody in again who was locked out.',
  },
  {
    file: `${SCIM}/read-resource.ts`,
    find: "  return !hasValue || (isObject(one) && typeof one['value'] === 'string' && one['value'] !== '')",
    replace: '  return true',
    tests: [`${SCIM}/patch.test.ts`],
    breaks: 'Half a value stays behind of an address that was taken away.',
  },
  {
    file: `${SCIM}/read-resource.ts`,
    find: "  if (text === 'false' || text === '0') return false\n",
    replace: "  if (text === 'false') return false\n",
    tests: [`${SCIM}/deactivation.test.ts`],
    breaks: '`active: 0` is refused, and the person keeps their access.',
  },
  {
    file: `${SCIM}/read-resource.ts`,
    find: '    if (isCoreSchema(type, name) && isObject(value)) yield* readInto(resource, type, value)\n',
    replace: '    if (isCoreSchema(type, name)) continue\n',
    tests: [`${SCIM}/deactivation.test.ts`],
    breaks: '`active: false` below the URN of the core schema is passed over.',
  },
  {
    file: `${SCIM}/patch-target.ts`,
    find: "  if (isCoreSchema(type, trimmed)) return 'the resource'\n",
    replace: '',
    tests: [`${SCIM}/deactivation.test.ts`],
    breaks: '`active: false` with the URN of the core schema as path is passed over.',
  },
  {
    file: `${SCIM}/patch-target.ts`,
    find: "  if (name === undefined) throw invalidPath('`path` names no attribute')\n",
    replace: "  if (name === undefined) return 'not kept'\n",
    tests: [`${SCIM}/patch.test.ts`],
    breaks: 'A deactivation with a path like "/active" is answered well and not done.',
  },
  {
    file: `${SCIM}/patch-target.ts`,
    find: '    if (attribute.decides === true || !(error instanceof ScimRefusal)) throw error\n',
    replace: '',
    tests: [`${SCIM}/patch.test.ts`],
    breaks: 'A change of `active` or an address that can not be read is answered well and not done.',
  },
  {
    file: `${SCIM}/filter-match.ts`,
    find: '    if (this.#left < 0)\n',
    replace: '    if (this.#left < -1e12)\n',
    tests: [`${SCIM}/turns.test.ts`],
    breaks: 'One PATCH of 22 kB keeps the process busy for as long as its sender likes.',
  },
  {
    file: 'src/turns.ts',
    find: '    } while (performance.now() < until)\n',
    replace: '    } while (until > 0)\n',
    tests: [`${SCIM}/turns.test.ts`],
    breaks: 'One request over a large group stops all others.',
  },
  {
    file: `${SCIM}/read-json.ts`,
    find: "      if (open.length >= DEEPEST) throw notReadable('is nested too deeply')\n",
    replace: '',
    tests: [`${SCIM}/read-json.test.ts`],
    breaks: 'A body of brackets overflows the stack of whatever walks through it.',
  },
  {
    file: 'src/identity/openid/person.ts',
    find: "    if (userInfo['sub'] !== sub)\n",
    replace: '    if (false)\n',
    tests: ['src/identity/openid/user-info.test.ts'],
    breaks: 'Userinfo of one person gives address and groups to another.',
  },
  {
    file: 'src/identity/openid/person.ts',
    find: '  if (trouble === undefined || withoutUserInfo === true) return\n',
    replace: '  return\n',
    tests: ['src/identity/openid/user-info.test.ts'],
    breaks: 'A session goes on after the provider has refused its access token.',
  },
  {
    file: 'src/identity/claims.ts',
    find: 'areGroupsElsewhere(raw) || !isWhole',
    replace: 'areGroupsElsewhere(raw)',
    tests: ['src/identity/openid/user-info.test.ts'],
    breaks: 'Somebody whose groups could not be read is in none, and no deny rule on groups holds them off.',
  },
  {
    file: 'src/identity/openid/user-info.ts',
    find: '  if (aud !== undefined && ![aud].flat().includes(clientId))\n',
    replace: '  if (false)\n',
    tests: ['src/identity/openid/user-info.test.ts'],
    breaks: 'What a provider has signed for another client is believed here.',
  },
  {
    file: 'src/crypto/seal.ts',
    find: 'inflateRawSync(plain, { maxOutputLength: LONGEST_PACKED })',
    replace: 'inflateRawSync(plain)',
    tests: ['src/crypto/seal.test.ts'],
    breaks: 'A text of a few bytes unfolds to whatever memory there is.',
  },
]
