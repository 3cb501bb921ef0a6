import type { Mutant } from './mutant.ts'

const TABLE = ['src/policy/missing-facts.test.ts', 'src/policy/conformance.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/policy/missing-facts.ts',
    find: "    'negated text': 'unknown',\n    order: 'unknown',\n    list: 'miss',",
    replace: "    'negated text': 'hit',\n    order: 'unknown',\n    list: 'miss',",
    tests: TABLE,
    breaks: 'who has no address, or comes from an address that no database has, passes a rule on "not x"',
  },
  {
    file: 'src/policy/missing-facts.ts',
    find: '  absent: UNDECIDED,',
    replace:
      "  absent: { text: 'miss', 'negated text': 'unknown', order: 'unknown', list: 'miss', 'negated list': 'unknown' },",
    tests: TABLE,
    breaks: 'somebody whose provider gives no address escapes a deny rule on addresses',
  },
  {
    file: 'src/policy/missing-facts.ts',
    find: "  return truths.every((truth) => truth === first) ? first : 'unknown'",
    replace: '  return first',
    tests: TABLE,
    breaks: 'an address in look-alike letters is only ever read as it stands, and escapes a deny rule',
  },
  {
    file: 'src/policy/mail-address.ts',
    find: "  return readMail(given) === undefined ? 'malformed' : 'unverified'",
    replace: "  return 'none'",
    tests: TABLE,
    breaks: 'an unverified address escapes a deny rule, as if the person had none',
  },
  {
    file: 'src/policy/mail-address.ts',
    find: "  if (kind !== 'user') return 'none'",
    replace: "  return 'none'",
    tests: TABLE,
    breaks: 'a person without an address counts as a machine, which is known to have none',
  },
  {
    file: 'src/policy/mail-address.ts',
    find: "if (email !== undefined && email !== '') return readMail(email) ?? 'malformed'",
    replace: "if (email !== undefined && email !== '') return readMail(email) ?? 'none'",
    tests: TABLE,
    breaks: 'an address with two @ is known to be none, and escapes a deny rule',
  },
  {
    file: 'src/policy/mail-address.ts',
    find: '  return isAscii(text) ? text.toLowerCase() : text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())',
    replace: '  return text',
    tests: TABLE,
    breaks: 'an address in capitals escapes a deny rule on the same address',
  },
  {
    file: 'src/policy/mail-address.ts',
    find: "  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('\\u0307', '').normalize('NFC')",
    replace: '  return text',
    tests: TABLE,
    breaks: 'an address in look-alike letters escapes a deny rule',
  },
  {
    file: 'src/policy/identity-criteria.ts',
    find: "readMail(value)?.plain.address === address) ? values : 'unverified'",
    replace: 'readMail(value)?.plain.address === address) ? values : values',
    tests: TABLE,
    breaks: 'an unverified claim lets somebody in as whoever they say they are',
  },
  {
    file: 'src/policy/identity-criteria.ts',
    find: "  if (typeof counts === 'string') return counts\n  if (typeof values === 'string') return values",
    replace: "  if (typeof values === 'string' || typeof counts === 'string') return values",
    tests: TABLE,
    breaks: 'an unverified address opens rules on claim/email',
  },
  {
    file: 'src/policy/record-criteria.ts',
    find: "  if (read === 'unverified') return UNVERIFIED",
    replace: "  if (read === 'unverified') return undefined",
    tests: TABLE,
    breaks: 'a deny rule on a record is escaped by an address that is not verified',
  },
  {
    file: 'src/policy/record-criteria.ts',
    find: "  if (read === 'absent') return NO_ADDRESS",
    replace: "  if (read === 'absent') return undefined",
    tests: TABLE,
    breaks: 'a deny rule on a record is escaped by having no address',
  },
  {
    file: 'src/policy/certificate-criteria.ts',
    find: "    if (!shown.presented) return CERTIFICATE[pins.length > 0 ? 'miss' : ofNone]",
    replace: '    if (!shown.presented) return CERTIFICATE.miss',
    tests: TABLE,
    breaks: 'who shows no certificate escapes a rule that denies all but certain certificates',
  },
  {
    file: 'src/policy/test-case.ts',
    find: 'isUnverified(written.claims ?? {}) ? undefined : email',
    replace: 'email',
    tests: ['src/policy/policy-tests.test.ts'],
    breaks: 'tests and explain say of an unverified address that it is let in, and the check does not',
  },
]
