import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/config/routing/path-rewrite.ts',
    find: 'work += text.length - at',
    replace: 'work += 0',
    tests: ['src/config/routing/path-guard.test.ts'],
    breaks: 'One path of 8 KB holds up all checks for seconds where a pattern matches nothing at each place.',
  },
  {
    file: 'src/config/routing/path-rewrite.ts',
    find: ' || made.length > LONGEST_MADE',
    replace: '',
    tests: ['src/config/routing/path-guard.test.ts'],
    breaks: 'A path grows without a bound where each of its characters is replaced by a long text.',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: "if (target === TOO_DEAR) return 'the path is too much work to be rewritten'",
    replace: 'if (target === TOO_DEAR) return undefined',
    tests: ['src/config/routing/path-guard.test.ts'],
    breaks: 'A path of which nobody knows what the upstream gets is passed on.',
  },
  {
    file: 'src/config/table-row.ts',
    find: 'Object.hasOwn(table, word) ? table[word] : undefined',
    replace: 'table[word]',
    tests: ['src/config/words-of-objects.test.ts'],
    breaks: 'A word such as toString counts as a row of a table.',
  },
  {
    file: 'src/config/file/yaml-file.ts',
    find: "key.value !== '__proto__'",
    replace: "key.value !== '__prototype__'",
    tests: ['src/config/words-of-objects.test.ts'],
    breaks: 'What stands under a key of that name is passed over without a word, a policy too.',
  },
  {
    file: 'src/session/sqlite/sqlite-database.ts',
    find: '!isBusy(error) ||',
    replace: 'isBusy(error) ||',
    tests: ['src/session/sqlite/sqlite-store.test.ts'],
    breaks: 'A second process does not start while the first makes the file of sessions.',
  },
  {
    file: 'src/directory/pull/pulled-source.ts',
    find: 'kept?.of === whose ?',
    replace: 'kept !== undefined ?',
    tests: ['src/directory/pull/pulled-source.test.ts'],
    breaks: 'After an edit of the source, groups of another directory count until it is pulled.',
  },
  {
    file: 'src/directory/effective-groups.ts',
    find: '(source.stillOff ?? []).some(',
    replace: '[].some(',
    tests: ['src/directory/open-directory.test.ts'],
    breaks: 'The first push to a source brings back everybody whom it had switched off as a file.',
  },
  {
    file: 'src/directory/open-directory.ts',
    find: 'stillOff ?? (knownOff === undefined ? [] : [knownOff])',
    replace: 'stillOff ?? []',
    tests: ['src/directory/open-directory.test.ts'],
    breaks: 'The same after a restart.',
  },
  {
    file: 'src/directory/open-directory.ts',
    find: 'lastHeard === undefined ? stillOff : [lastHeard, ...stillOff]',
    replace: 'lastHeard === undefined ? [] : [lastHeard]',
    tests: ['src/directory/open-directory.test.ts'],
    breaks: 'The same after a change of the token of the source.',
  },
]
