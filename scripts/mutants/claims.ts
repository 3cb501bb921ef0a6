import type { Mutant } from './mutant.ts'

const FORMS = ['src/flat-claims.test.ts', 'src/policy/claim-forms.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/flat-claims.ts',
    find: '    return isRead ? [path, values] : [`${ELSEWHERE}/${path}`, [UNREAD]]',
    replace: '    return isRead ? [path, values] : [path, []]',
    tests: FORMS,
    breaks: 'A claim in a form that is not read counts as none, and escapes every deny rule on it.',
  },
  {
    file: 'src/flat-claims.ts',
    find: 'typeof each === kind && isPlain(each)',
    replace: 'isPlain(each)',
    tests: FORMS,
    breaks: 'A list of several kinds is a list to claims and none to groups.',
  },
  {
    file: 'src/flat-claims.ts',
    find: 'if (Number.isInteger(value)) return Number.isSafeInteger(value)',
    replace: 'if (Number.isInteger(value)) return true',
    tests: FORMS,
    breaks: 'An id that JSON has rounded is the id of somebody else.',
  },
  {
    file: 'src/flat-claims.ts',
    find: 'objects.has(whole) || around',
    replace: 'around',
    tests: FORMS,
    breaks: 'Who has a map instead of a list of roles escapes every deny rule on roles.',
  },
  {
    file: 'src/flat-claims.ts',
    find: "if (depth >= MAX_DEPTH) return note(path, 'unknown', depth)",
    replace: 'if (depth >= MAX_DEPTH) return',
    tests: FORMS,
    breaks: 'What lies deeper than is read counts as none.',
  },
  {
    file: 'src/flat-claims.ts',
    find: ' && !elsewhere.some((name) => isWithin(path, name))',
    replace: '',
    tests: FORMS,
    breaks: 'An empty list beside the word that the claim is kept elsewhere escapes a deny rule.',
  },
  {
    file: 'src/flat-claims.ts',
    find: 'list.length <= MAX_VALUES && list.every',
    replace: 'list.every',
    tests: FORMS,
    breaks: 'A list of millions is carried about with each request.',
  },
  {
    file: 'src/identity/claims.ts',
    find: 'areElsewhere(raw, groupsClaims)\n',
    replace: 'false\n',
    tests: ['src/identity/claims.test.ts'],
    breaks: 'An empty list of groups counts, though the provider says that there are more.',
  },
  {
    file: 'src/identity/claims.ts',
    find: 'isGood && !isSpoilt',
    replace: 'isVerified(both)',
    tests: ['src/identity/claims.test.ts'],
    breaks: 'An address is verified by a word of a document that does not hold it.',
  },
  {
    file: 'src/identity/claims.ts',
    find: 'both[name] = UNCLEAR',
    replace: 'delete both[name]',
    tests: ['src/identity/claims.test.ts'],
    breaks: 'Null in userinfo makes the groups of the ID token none.',
  },
]
