import type { Mutant } from './mutant.ts'

/** Times of identity facts, and what is known of people while a source can't be asked. */
export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/policy/matchers.ts',
    find: 'undecided(isWhole, true),',
    replace: 'true,',
    tests: ['src/policy/known-groups.test.ts'],
    breaks: 'Who is in an excluded group gets in while the source that knows it can not be asked.',
  },
  {
    file: 'src/policy/matchers.ts',
    find: 'if (isWhole) return list.length === 1 && list[0] === wanted',
    replace: 'if (isWhole || list.length === 1) return list.length === 1 && list[0] === wanted',
    tests: ['src/policy/known-groups.test.ts'],
    breaks: 'A rule for people of one group alone lets in those of others, whose source can not be asked.',
  },
  {
    file: 'src/identity/directory/directory.ts',
    find: "(canTell ? false : 'unknown')",
    replace: 'false',
    tests: ['src/identity/directory/directory.test.ts'],
    breaks: 'Who may name a group names it as one that opens more, while the source of that one is too old.',
  },
]
