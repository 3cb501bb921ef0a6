/** Mutants of what people were known by before, and of lists in claim headers. */
import type { Mutant } from './mutant.ts'

const FORMER = ['src/directory/former-keys.test.ts']
const OPEN = ['src/directory/open-directory.test.ts']
const PULLED = ['src/directory/pull/pulled-source.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/upstream/assertion.ts',
    find: '!TEXTS.has(name) || groupsClaims?.has(name) === true',
    replace: 'values.length > 1 || groupsClaims?.has(name) === true',
    tests: ['src/upstream/assertion.test.ts'],
    breaks: 'whoever may name one team makes two of it in an app that reads a claim header',
  },
  {
    file: 'src/directory/roster.ts',
    find: "const earlier = this.#findFormer('email',",
    replace: "const earlier = this.#findFormer('id',",
    tests: FORMER,
    breaks: 'whoever is deactivated and renamed is let in by the session that knows the old address',
  },
  {
    file: 'src/directory/roster.ts',
    find: "const earlier = this.#findFormer('id',",
    replace: "const earlier = this.#findFormer('email',",
    tests: FORMER,
    breaks: 'whoever is deactivated and gets another id is let in by the session that knows the old one',
  },
  {
    file: 'src/directory/roster.ts',
    find: 'if (issuedAt <= 0 && here.length > 0) return undefined',
    replace: 'if (here.length > 0) return undefined',
    tests: FORMER,
    breaks: 'the session of somebody deactivated becomes that of whoever got their address',
  },
  {
    file: 'src/directory/roster.ts',
    find: 'return leftAt !== undefined && ids.length > 1 && isDeepStrictEqual',
    replace: 'return leftAt !== undefined && isDeepStrictEqual',
    tests: FORMER,
    breaks: 'whoever gets the id of somebody removed takes over their sessions',
  },
  {
    file: 'src/directory/roster.ts',
    find: "if (had.length > 0 && had.length + here.length > 1) return 'ambiguous'",
    replace: 'if (here.length > 0) return undefined',
    tests: FORMER,
    breaks: 'an active person who was renamed leaves their groups when the address is given to another',
  },
  {
    file: 'src/directory/former-keys.ts',
    find: 'const goesOff = before.isActive && !after.isActive',
    replace: 'const goesOff = false',
    tests: FORMER,
    breaks: 'whoever has the address of somebody deactivated lets their old session in',
  },
  {
    file: 'src/directory/former-keys.ts',
    find: 'for (const former of [...ended, ...(before.former ?? [])])',
    replace: 'for (const former of ended)',
    tests: FORMER,
    breaks: 'a second change lets the session of before the first one in',
  },
  {
    file: 'src/directory/former-keys.ts',
    find: ' ?? before.onlyHolder(person.ids)',
    replace: '',
    tests: FORMER,
    breaks: 'whoever is off and has another address in a file is let in by an old session',
  },
  {
    file: 'src/directory/former-keys.ts',
    find: 'yield* each(latest, (person) => roster.setPerson(person))',
    replace: '',
    tests: FORMER,
    breaks: 'whoever is off and is then dropped from a list is let in by an old session',
  },
  {
    file: 'src/directory/scim/records.ts',
    find: 'former: FormerKeys.safeParse(former).data ?? [],',
    replace: 'former: [],',
    tests: FORMER,
    breaks: 'a restart lets in whoever was deactivated and renamed',
  },
  {
    file: 'src/directory/scim/scim-source.ts',
    find: "former: this.#formerAfter('User', entry, { ...entry.resource, active: false }),",
    replace: 'former: [],',
    tests: FORMER,
    breaks: 'a deletion lets in whoever was deactivated and renamed before',
  },
  {
    file: 'src/directory/last-deactivated.ts',
    find: 'const people = [...off, ...renamed]',
    replace: 'const people = [...off]',
    tests: OPEN,
    breaks: 'a restart lets in whoever was renamed in a file before it and deactivated after it',
  },
  {
    file: 'src/directory/kept-listing.ts',
    find: 'former: FormerKeys.exactOptional(),',
    replace: '',
    tests: PULLED,
    breaks: 'a restart lets in whoever was deactivated and renamed, where a source is pulled',
  },
  {
    file: 'src/directory/pull/pulled-source.ts',
    find: 'people: [...roster.people],',
    replace: 'people: [...roster.people].filter(({ leftAt }) => !leftAt),',
    tests: PULLED,
    breaks: 'a restart lets in whoever was deactivated and is pulled no more',
  },
]
