/**
 * Breaks each line of `scripts/mutants/` once and runs the tests that must notice.
 *
 *     npm run mutate                        every mutant
 *     npm run mutate -- src/policy facts    those of files or lists whose name holds one of these words
 *     npm run mutate -- --recent            those of rooms that the commits of the last day have touched
 *     npm run mutate -- --recent --minutes 5   as many of them as are begun in that time, another choice with each commit
 *
 * The checkout is never changed: each worker breaks lines in a copy. Exits 1 when a mutant survives without a reason
 * beside it, or when one that is said to survive does not.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { run } from '../test/harness/process.ts'
import { allMutants, type ListedMutant, roomOf } from './mutants/all.ts'

const ROOT = join(import.meta.dirname, '..')
const NOT_COPIED = new Set(['node_modules', '.git', '.cache', '.sallyport', 'coverage'])
const WITHIN_MS = 300_000

type Outcome = 'noticed' | 'survived' | 'lost'

/** The copy that one worker breaks and mends. */
function copyOfCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mutate-'))
  for (const name of readdirSync(ROOT))
    if (!NOT_COPIED.has(name)) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  for (const name of ['node_modules', '.cache']) symlinkSync(join(ROOT, name), join(folder, name))
  return folder
}

async function testsPass(folder: string, tests: readonly string[]): Promise<boolean> {
  try {
    await run({
      command: process.execPath,
      args: ['--test', '--test-reporter=dot', '--test-timeout=120000', ...tests],
      cwd: folder,
      withinMs: WITHIN_MS,
    })
    return true
  } catch {
    return false
  }
}

async function outcomeOf(mutant: ListedMutant, folder: string): Promise<Outcome> {
  const path = join(folder, mutant.file)
  const source = readFileSync(path, 'utf8')
  if (source.split(mutant.find).length !== 2) return 'lost'
  // a function, or `$&` in the text would mean something
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.replace),
  )
  try {
    return (await testsPass(folder, mutant.tests)) ? 'survived' : 'noticed'
  } finally {
    writeFileSync(path, source)
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
}

/** Rooms with a change since the day before the newest commit, and in what is not committed yet. */
function recentRooms(): ReadonlySet<string> {
  const newest = Number(git('show', '-s', '--format=%ct', 'HEAD'))
  const base = git('rev-list', '-1', `--before=${newest - 86_400}`, 'HEAD')
  const changed = git('diff', '--name-only', ...(base === '' ? [] : [base])).split('\n')
  return new Set(changed.map((file) => roomOf(file.split(sep).join('/'))))
}

/** Minutes after which no further mutant is begun. */
const MINUTES = '--minutes'

/** In an order that is another with each commit, so that in time all have their turn. */
function shuffled(mutants: readonly ListedMutant[]): readonly ListedMutant[] {
  const seed = git('rev-parse', 'HEAD')
  const rank = ({ file, find, replace }: ListedMutant) =>
    createHash('sha256').update([seed, file, find, replace].join('\0')).digest('hex')
  return mutants.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
}

function chosen(words: readonly string[], all: readonly ListedMutant[]): readonly ListedMutant[] {
  if (words.includes('--recent')) {
    const rooms = recentRooms()
    return all.filter(({ file }) => rooms.has(roomOf(file)))
  }
  if (words.length === 0) return all
  return all.filter(({ file, list }) => words.some((word) => file.includes(word) || list === word))
}

async function main(): Promise<number> {
  const words = process.argv.slice(2)
  const at = words.indexOf(MINUTES)
  const [, minutes = Infinity] = at < 0 ? [] : words.splice(at, 2).map(Number)
  const until = Date.now() + minutes * 60_000
  const found = chosen(words, await allMutants())
  const mutants = minutes === Infinity ? found : shuffled(found)
  const waiting = [...mutants]
  const failures: string[] = []
  let noticed = 0
  let begun = 0
  const worker = async () => {
    const folder = copyOfCheckout()
    try {
      for (
        let mutant = waiting.shift();
        mutant !== undefined && Date.now() < until;
        mutant = waiting.shift()
      ) {
        begun++
        const outcome = await outcomeOf(mutant, folder)
        const name = `${mutant.file}: ${mutant.breaks}`
        const isKnown = mutant.survives !== undefined
        if (outcome === 'noticed') noticed++
        if (outcome === 'lost') failures.push(`the text to break does not stand once in it: ${name}`)
        else if ((outcome === 'survived') !== isKnown)
          failures.push(isKnown ? `noticed, though said to survive: ${name}` : `survived: ${name}`)
        console.log(`${outcome === 'noticed' ? '✔' : '✖'} ${name}`)
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  // The tests must pass as they are, or every mutant would seem to be noticed. In CI they run on their own.
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))]
  if (minutes === Infinity && tests.length > 0 && !(await testsPass(ROOT, tests))) {
    console.error('the tests fail without any mutant: mend them first')
    return 1
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), waiting.length) }, worker))
  for (const failure of failures) console.error(failure)
  console.log(
    `${noticed} of ${begun} mutants noticed (of ${mutants.length} in all), ${failures.length} not as expected`,
  )
  return failures.length === 0 ? 0 : 1
}

process.exitCode = await main()
