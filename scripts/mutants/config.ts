/**
 * Lines that decide when a configuration is read, and that it arrives whole.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const SWAPS = ['src/config/watch-swaps.test.ts']
const PARCEL = ['src/config/file/thread-parser.test.ts']
const FOLDERS = ['src/config/file/folder-events.test.ts']
const WATCHED = 'src/config/file/watched-files.ts'

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
    tests: ['src/config/file/watched-files.test.ts'],
    breaks: 'A folder that is swapped without a word of the system leaves an old policy in force for ever.',
  },
  {
    file: 'src/config/file/folder-events.ts',
    find: 'if (known !== undefined && known.identity === identity) return false',
    replace: 'if (known !== undefined) return false',
    tests: FOLDERS,
    breaks: 'After the folder was removed and made anew edits are taken seconds late.',
  },
  {
    file: 'src/config/file/watch.ts',
    find: '  await standingStill([file])\n',
    replace: '\n',
    tests: SWAPS,
    breaks: 'A half file is in force after a restart.',
  },
  {
    file: 'src/config/file/watch.ts',
    find: "state: fault.code === 'CONFIG_UNREADABLE' ? 'lost' : 'refused',",
    replace: "state: 'good',",
    tests: SWAPS,
    breaks: 'Nobody is told that edits have no effect.',
  },
  {
    file: 'src/config/routing/lost-routes.ts',
    find: 'left * 2 >= total',
    replace: 'left >= 0',
    tests: SWAPS,
    breaks: 'Nobody is told that most of the routes went away.',
  },
  {
    file: 'src/config/file/file-parser.ts',
    find: '      isWholeFile: true,\n',
    replace: '',
    tests: ['src/config/file/file-parser.test.ts'],
    breaks: 'A file that was cut off before its routes takes all apps away.',
  },
  {
    file: 'src/config/file/config-parcel.ts',
    find: 'if (value instanceof Secret) return { [SECRET]: value.reveal() }',
    replace: 'if (value instanceof Secret) return String(value)',
    tests: PARCEL,
    breaks: 'After a reload every secret is the text "[secret]", which anybody can sign with.',
  },
  {
    file: 'src/config/file/config-parcel.ts',
    find: 'const known = fresh.get(number) ?? this.#held.get(number)',
    replace: 'const known = this.#held.get(number) ?? [...fresh.values()][0]',
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
  {
    file: 'src/config/file/folder-events.ts',
    find: "watcher.on('error', () => this.#drop(folder))",
    replace: "watcher.on('error', () => undefined)",
    tests: FOLDERS,
    breaks: 'After a watch has failed edits are taken seconds late, and nobody is told.',
  },
  {
    file: 'src/config/file/folder-events.ts',
    find: 'blind.add(folder)\n      return false',
    replace: 'return false',
    tests: FOLDERS,
    breaks: 'Nobody is told that edits are found by looking only.',
  },
  {
    file: 'src/config/file/thread-parser.ts',
    find: 'await this.end()\n      throw error',
    replace: 'throw error',
    tests: PARCEL,
    breaks: 'After one parcel that could not be opened no edit is taken any more.',
  },
  {
    file: 'src/config/file/config-parcel.ts',
    find: 'if (known === undefined) throw new Error(`route ${number} was never sent`)',
    replace: 'if (known === undefined) continue',
    tests: PARCEL,
    breaks: 'A configuration comes into force without some of its routes.',
  },
  {
    file: 'src/config/file/watch.ts',
    find: 'setTimeout(() => this.#files.suspect(), RETRY_MS * this.#bugs).unref()',
    replace: '',
    tests: ['src/config/file/watch.test.ts'],
    breaks: 'An edit that takes somebody out is lost with a thread that ran out of memory.',
  },
  {
    file: 'src/config/file/watch.ts',
    find: '    } catch (error) {\n      return this.#afterBug(error)',
    replace: '    } catch (error) {\n      return afterBug(this.#file, error, parsed.seen)',
    tests: ['src/config/file/watch.test.ts'],
    breaks: 'An edit is lost when ports could not be tried for a moment.',
  },
  {
    file: 'src/config/file/yaml-file.ts',
    find: 'if (mistakes.length > 0) return { value: undefined, mistakes, locate }',
    replace: '',
    tests: ['src/config/file/yaml-items.test.ts'],
    breaks:
      'A route that is not valid YAML is taken as far as it could be read, perhaps without its deny rule.',
  },
  {
    file: 'src/access/tests/config-check.ts',
    find: 'if (problems.length === 0) return',
    replace: 'if (problems.length < 9) return',
    tests: ['src/access/tests/config-check.test.ts'],
    breaks: 'A policy that does not compile is taken.',
  },
]
