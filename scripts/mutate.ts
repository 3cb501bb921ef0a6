/**
 * Breaks each line of `scripts/mutants/` once and runs the tests that must notice.
 *
 *     npm run mutate                        every mutant
 *     npm run mutate -- src/policy facts    those of files or lists whose name holds one of these words
 *     npm run mutate -- --recent            those of rooms that the commits of the last day have touched
 *     npm run mutate -- --recent --most 40  so many of them: the same for a commit, and others for the next
 *
 * The checkout is never changed: each worker breaks lines in a copy. Exits 1 when a mutant survives without a
 * reason beside it, or when one that is said to survive does not.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProcess } from '../test/harness/process.ts'
import { allMutants, type ListedMutant } from './mutants/all.ts'
import { recentMutants } from './mutants/choice.ts'

const ROOT = join(import.meta.dirname, '..')
const NOT_COPIED = new Set(['node_modules', '.git', '.cache', '.sallyport', 'coverage', 'dist'])
const WITHIN_MS = 300_000
const DAY_SECONDS = 86_400

type Outcome = 'survived' | 'lost' | { readonly noticedBy: string }

/** The copy that one worker breaks and mends. */
class Copy implements Disposable {
  // A short name: tests open Unix sockets below it, and the path of one has 107 bytes at most.
  readonly #home = mkdtempSync(join(tmpdir(), 'mu-'))
  readonly #folder = join(this.#home, 'c')

  constructor() {
    mkdirSync(this.#folder)
    mkdirSync(join(this.#home, 't'))
    for (const name of readdirSync(ROOT))
      if (!NOT_COPIED.has(name)) cpSync(join(ROOT, name), join(this.#folder, name), { recursive: true })
    for (const name of ['node_modules', '.cache']) symlinkSync(join(ROOT, name), join(this.#folder, name))
  }

  async outcomeOf(mutant: ListedMutant): Promise<Outcome> {
    const path = join(this.#folder, mutant.file)
    const source = readFileSync(path, 'utf8')
    if (source.split(mutant.find).length !== 2) return 'lost'
    // a function, or `$&` in the text would mean something
    const broken = source.replace(mutant.find, () => mutant.replace)
    writeFileSync(path, broken)
    try {
      const failure = await this.firstFailure(mutant.tests)
      return failure === undefined ? 'survived' : { noticedBy: failure }
    } finally {
      writeFileSync(path, source)
    }
  }

  /** Ends the run with the first test that fails, and says which. */
  async firstFailure(tests: readonly string[]): Promise<string | undefined> {
    await using running = startProcess({
      command: process.execPath,
      args: ['--test', '--test-reporter=tap', '--test-timeout=120000', ...tests],
      cwd: this.#folder,
      // What a test leaves behind when it is ended goes away with the copy.
      env: { TMPDIR: join(this.#home, 't'), NODE_COMPILE_CACHE: join(this.#home, 'compiled') },
    })
    const failed = await running.waitForLine(/^\s*not ok \d+ - (.*)/, WITHIN_MS).then(
      ([, name]) => name,
      () => undefined,
    )
    // To the group: the processes of single files end what they have started.
    if (running.exit === undefined) running.signal('SIGTERM', 'group')
    const { code } = await running.stop()
    return failed ?? (code === 0 ? undefined : 'the run of the tests')
  }

  [Symbol.dispose]() {
    rmSync(this.#home, { recursive: true, force: true })
  }
}

/** Empty where there is no history: an archive, or a checkout of somebody else's that git does not trust. */
function git(...args: readonly string[]): string {
  try {
    return execFileSync('git', args, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}

/** Files with a change since the day before the newest commit, and in what is not committed yet. */
function recentFiles(): readonly string[] | undefined {
  const newest = Number(git('show', '-s', '--format=%ct', 'HEAD'))
  if (newest === 0) return undefined
  const base = git('rev-list', '-1', `--before=${newest - DAY_SECONDS}`, 'HEAD')
  // A shallow clone has no such commit.
  return base === '' ? undefined : git('diff', '--name-only', base).split('\n')
}

function chosen(words: readonly string[], all: readonly ListedMutant[]): readonly ListedMutant[] {
  if (words.includes('--recent')) {
    const most = words.includes('--most') ? Number(words[words.indexOf('--most') + 1]) : all.length
    return recentMutants(all, { changed: recentFiles(), seed: git('rev-parse', 'HEAD'), most })
  }
  if (words.length === 0) return all
  return all.filter(({ file, list }) => words.some((word) => file.includes(word) || list === word))
}

async function main(): Promise<number> {
  const words = process.argv.slice(2)
  const mutants = chosen(words, await allMutants())
  const begunAt = performance.now()
  const waiting = [...mutants]
  const failures: string[] = []
  let noticed = 0
  const worker = async () => {
    using copy = new Copy()
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const mutantAt = performance.now()
      const outcome = await copy.outcomeOf(mutant)
      const name = `${mutant.file}: ${mutant.breaks}`
      const isKnown = mutant.survives !== undefined
      const seconds = secondsSince(mutantAt)
      if (outcome === 'lost') failures.push(`the text to break does not stand once in it: ${name}`)
      else if ((outcome === 'survived') !== isKnown)
        failures.push(isKnown ? `noticed, though said to survive: ${name}` : `survived: ${name}`)
      if (typeof outcome === 'string') console.log(`✖ ${name} (${outcome}, ${seconds} s)`)
      else {
        noticed++
        console.log(`✔ ${name} (${seconds} s, by: ${outcome.noticedBy})`)
      }
    }
  }
  // The tests must pass as they are, or every mutant would seem to be noticed. In CI they run on their own.
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))]
  if (!words.includes('--most') && tests.length > 0) {
    using copy = new Copy()
    const failure = await copy.firstFailure(tests)
    if (failure !== undefined) {
      console.error(`the tests fail without any mutant: mend them first (${failure})`)
      return 1
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), waiting.length) }, worker))
  for (const failure of failures) console.error(failure)
  console.log(
    `${noticed} of ${mutants.length} mutants noticed in ${secondsSince(begunAt)} s, ${failures.length} not as expected`,
  )
  return failures.length === 0 ? 0 : 1
}

function secondsSince(at: number): number {
  return Math.round((performance.now() - at) / 1000)
}

process.exitCode = await main()
