/**
 * Lines that decide when a configuration is read, and that it arrives whole.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const SWAPS = ['src/config/watch-swaps.test.ts']
const PARCEL = ['src/config/thread-parser.test.ts']
const WATCHED = 'src/config/watched-files.ts'

export const MUTANTS: readonly Mutant[] = [
  {
    file: WATCHED,
    find: 'export const STILL_MS = 250',
    replace: 'export const STILL_MS = 5',
    tests: SWAPS,
    breaks: 'A file that is cut off before its deny rules is in force while its writer pauses.',
  },
  {
    file: WATCHED,
    find: "const wait = event === 'written' ? STILL_MS : QUIET_MS",
    replace: 'const wait = QUIET_MS',
    tests: SWAPS,
    breaks: 'A file that is written in place is read like one that was renamed: half of it.',
  },
  {
    file: WATCHED,
    find: 'if (this.#timer === undefined && (isChanged || isNewInView))',
    replace: 'if (false)',
    tests: SWAPS,
    breaks: 'A folder that is swapped without a word of the system leaves an old policy in force for ever.',
    survives: 'the system tells of every swap that the tests make; one without a word needs a mount',
  },
  {
    file: 'src/config/folder-events.ts',
    find: 'if (known !== undefined && known.identity === identity) return false',
    replace: 'if (known !== undefined) return false',
    tests: SWAPS,
    breaks: 'After the folder was removed and made anew no edit is taken, and a revoked user stays in.',
    survives: 'the look every two seconds finds the new folder too: an edit is late then, and not lost',
  },
  {
    file: 'src/config/watch.ts',
    find: '  await standingStill([file])\n',
    replace: '\n',
    tests: SWAPS,
    breaks: 'A half file is in force after a restart.',
  },
  {
    file: 'src/config/watch.ts',
    find: "state: fault.code === 'CONFIG_UNREADABLE' ? 'lost' : 'refused',",
    replace: "state: 'good',",
    tests: SWAPS,
    breaks: 'Nobody is told that edits have no effect.',
  },
  {
    file: 'src/config/lost-routes.ts',
    find: 'left * 2 >= total',
    replace: 'left >= 0',
    tests: SWAPS,
    breaks: 'Nobody is told that most of the routes went away.',
  },
  {
    file: 'src/config/file-parser.ts',
    find: '      isWholeFile: true,\n',
    replace: '',
    tests: ['src/config/file-parser.test.ts'],
    breaks: 'A file that was cut off before its routes takes all apps away.',
  },
  {
    file: 'src/config/config-parcel.ts',
    find: 'if (value instanceof Secret) return { [SECRET]: value.reveal() }',
    replace: 'if (value instanceof Secret) return String(value)',
    tests: PARCEL,
    breaks: 'After a reload every secret is the text "[secret]", which anybody can sign with.',
  },
  {
    file: 'src/config/config-parcel.ts',
    find: 'const route = fresh.get(number) ?? this.#held.get(number)',
    replace: 'const route = this.#held.get(number) ?? [...fresh.values()][0]',
    tests: PARCEL,
    breaks: 'A route is served with the policy of another.',
  },
  {
    file: 'src/config-thread.ts',
    find: '{ ...CHECKS_AND_TESTS, env: process.env }',
    replace: '{ env: process.env }',
    tests: PARCEL,
    breaks: 'A long configuration is taken though its policies do not compile or their tests fail.',
  },
]
