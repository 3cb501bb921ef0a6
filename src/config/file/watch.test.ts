import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { until } from '../../../test/harness/until.ts'
import type { Config } from '../config.ts'
import { ConfigFault, formatProblem } from '../problem.ts'
import { parseHere } from './file-parser.ts'
import { type ConfigSource, watchConfig } from './watch.ts'

const GOOD = 'routes:\n  - from: https://a.example.com\n    to: http://a\n'
const BETTER = GOOD.replace('http://a', 'http://b')
const BAD = GOOD.replace('from', 'form')

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-watch-'))
  file = join(folder, 'config.yaml')
  await writeFile(file, GOOD)
})
afterEach(() => rm(folder, { recursive: true }))

const LONGEST_WAIT_MS = 30_000

/**
 * A wait in vain rejects. The runner's own limit would leave the test, and its watch, waiting for ever: what
 * `await using` holds is closed only when the function ends.
 */
function awaited<T>(what: string, listen: (resolve: (value: T) => void) => void): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), LONGEST_WAIT_MS)
  listen((value) => {
    clearTimeout(timer)
    resolve(value)
  })
  return promise
}

function nextGeneration(source: ConfigSource): Promise<Config> {
  return awaited('a new generation', (resolve) => {
    const listening = source.onGeneration((config) => {
      listening[Symbol.dispose]()
      resolve(config)
    })
  })
}

/** A watched config that also tells of problems and healing as promises. */
async function watched(path = file, env: Readonly<Record<string, string>> = {}) {
  const problems: ConfigFault[] = []
  const events = new EventTarget()
  const source = await watchConfig(path, {
    env,
    onProblem: (fault) => {
      problems.push(fault)
      events.dispatchEvent(new Event('problem'))
    },
    onHealed: () => events.dispatchEvent(new Event('healed')),
  })
  const next = (kind: 'problem' | 'healed') =>
    awaited<void>(`"${kind}"`, (resolve) => events.addEventListener(kind, () => resolve(), { once: true }))
  return { source, problems, next }
}

const target = (config: Config) => config.routes[0]?.to?.[0]?.host

describe('a watched config file', () => {
  it('makes a new generation when it is written in place', async () => {
    const { source } = await watched()
    await using _ = source
    assert.equal(source.current.generation, 1)
    const next = nextGeneration(source)
    await writeFile(file, BETTER)
    const config = await next
    assert.deepEqual([config.generation, target(config)], [2, 'b'])
    assert.equal(source.current, config)
    assert.equal(source.status.generation, 2)
    assert.equal(source.status.checksum, config.checksum)
  })

  it('makes one when another file is renamed over it, again and again, as editors do', async () => {
    const { source } = await watched()
    await using _ = source
    for (const [round, host] of ['b', 'c', 'd'].entries()) {
      const next = nextGeneration(source)
      await writeFile(join(folder, '.config.yaml.swp'), GOOD.replace('http://a', `http://${host}`))
      await rename(join(folder, '.config.yaml.swp'), file)
      const config = await next
      assert.deepEqual([config.generation, target(config)], [round + 2, host])
    }
  })

  it('makes one when it is deleted and written anew', async () => {
    const { source, problems, next } = await watched()
    await using _ = source
    const gone = next('problem')
    await unlink(file)
    await gone
    assert.equal(problems[0]?.code, 'CONFIG_UNREADABLE')
    assert.equal(target(source.current), 'a')
    const generation = nextGeneration(source)
    await writeFile(file, BETTER)
    assert.equal(target(await generation), 'b')
    assert.equal(source.status.lastProblem, undefined)
  })

  it('makes one when a link on the way to it is swapped, as Kubernetes does', async () => {
    const mount = join(folder, 'mount')
    for (const [version, text] of [
      ['..2026_1', GOOD],
      ['..2026_2', BETTER],
      ['..2026_3', GOOD.replace('http://a', 'http://c')],
    ] as const) {
      await mkdir(join(mount, version), { recursive: true })
      await writeFile(join(mount, version, 'config.yaml'), text)
    }
    await symlink('..2026_1', join(mount, '..data'))
    await symlink(join('..data', 'config.yaml'), join(mount, 'config.yaml'))
    const { source } = await watched(join(mount, 'config.yaml'))
    await using _ = source
    for (const [version, host] of [
      ['..2026_2', 'b'],
      ['..2026_3', 'c'],
    ] as const) {
      const next = nextGeneration(source)
      await symlink(version, join(mount, '..data_tmp'))
      await rename(join(mount, '..data_tmp'), join(mount, '..data'))
      assert.equal(target(await next), host)
    }
  })

  it('makes one when a file that it refers to changes', async () => {
    await mkdir(join(folder, 'secrets'))
    const secret = join(folder, 'secrets', 'shared')
    await writeFile(secret, `${Buffer.alloc(32, 1).toString('base64')}\n`)
    await writeFile(file, `shared_secret: file:secrets/shared\n${GOOD}`)
    const { source } = await watched()
    await using _ = source
    const next = nextGeneration(source)
    await writeFile(secret, `${Buffer.alloc(32, 2).toString('base64')}\n`)
    const { settings } = await next
    assert.equal(settings.shared_secret?.reveal(), Buffer.alloc(32, 2).toString('base64'))
  })

  it('watches files that a later edit refers to, also before they exist', async () => {
    const { source, problems, next } = await watched()
    await using _ = source
    const missing = next('problem')
    await writeFile(file, `shared_secret_file: later/shared\n${GOOD}`)
    await missing
    assert.match(problems[0]?.message ?? '', /cannot read the file later\/shared: there is no such file/)
    const generation = nextGeneration(source)
    await mkdir(join(folder, 'later'))
    await writeFile(join(folder, 'later', 'shared'), Buffer.alloc(32, 3).toString('base64'))
    assert.equal((await generation).settings.shared_secret?.reveal(), Buffer.alloc(32, 3).toString('base64'))
  })

  it('keeps the last good generation when an edit is bad, says why, and heals', async () => {
    const { source, problems, next } = await watched()
    await using _ = source
    const good = source.current
    const refused = next('problem')
    await writeFile(file, BAD)
    await refused
    assert.equal(source.current, good)
    assert.equal(source.status.generation, 1)
    const said = source.status.lastProblem?.problems.map(formatProblem)
    assert.deepEqual(said, [
      `${file}:2:5: routes[0].from: is missing`,
      `${file}:2:5: routes[0].form: is not a known key; did you mean "from"?`,
    ])
    assert.equal(problems[0]?.message, said.join('\n'))

    const healed = next('healed')
    await writeFile(file, GOOD)
    await healed
    assert.equal(source.current, good, 'the same content is the same generation')
    assert.equal(source.status.lastProblem, undefined)

    const generation = nextGeneration(source)
    await writeFile(file, BETTER)
    assert.equal((await generation).generation, 2)
  })

  it('makes nothing of a save that changed nothing', async () => {
    const { source } = await watched()
    await using _ = source
    const seen: number[] = []
    source.onGeneration(({ generation }) => seen.push(generation))
    await writeFile(file, await readFile(file))
    await rename(file, `${file}~`)
    await writeFile(file, GOOD)
    const next = nextGeneration(source)
    await writeFile(file, BETTER)
    await next
    assert.deepEqual(seen, [2])
  })

  it('is tried again by itself when an edit could not be checked, for a reason that passes', async () => {
    let failures = 0
    const fail = () => {
      failures += 1
      throw new Error('planted')
    }
    const parser = parseHere(file, {})
    const bugs: string[] = []
    await using source = await watchConfig(file, {
      parser: {
        parse: async (generation, seen) =>
          generation > 1 && failures === 0 ? fail() : await parser.parse(generation, seen),
        locate: (path) => parser.locate(path),
        [Symbol.asyncDispose]: () => parser[Symbol.asyncDispose](),
      },
      admit: (next) => (target(next) === 'b' && failures === 1 ? fail() : Promise.resolve([])),
      onProblem: ({ problems }) => bugs.push(...problems.map(({ message }) => message)),
    })
    await until(() => failures === 1, { what: 'the first look to fail', withinMs: LONGEST_WAIT_MS })
    const next = nextGeneration(source)
    await writeFile(file, BETTER)
    assert.equal(target(await next), 'b')
    assert.deepEqual(bugs, ['could not be checked: planted', 'could not be checked: planted'])
    assert.equal(source.status.state, 'good')
  })

  it('is silent after it was closed', async () => {
    const { source } = await watched()
    source.onGeneration(() => assert.fail('called after it was closed'))
    await source[Symbol.asyncDispose]()
    await writeFile(file, BETTER)
    const { source: other } = await watched()
    await using _ = other
    const next = nextGeneration(other)
    await writeFile(file, GOOD)
    await next
    assert.equal(target(source.current), 'a')
  })

  it('tells every listener, though one of them fails', async () => {
    const bugs: unknown[] = []
    await using source = await watchConfig(file, { onBug: (error) => bugs.push(error) })
    source.onGeneration(() => {
      throw new Error('a bug')
    })
    const next = nextGeneration(source)
    await writeFile(file, BETTER)
    assert.equal(target(await next), 'b')
    assert.match(String(bugs), /a bug/)
  })
})

describe('a config file that cannot be loaded to begin with', () => {
  it('is a fault that names all mistakes', async () => {
    await writeFile(file, BAD)
    await assert.rejects(watchConfig(file), (error) => {
      assert.ok(error instanceof ConfigFault)
      assert.equal(error.code, 'CONFIG_INVALID')
      assert.equal(error.problems.length, 2)
      return true
    })
  })

  it('is a fault that says why it cannot be read', async () => {
    await assert.rejects(watchConfig(folder), {
      code: 'CONFIG_UNREADABLE',
      message: `${folder}: cannot read the configuration: it is a folder`,
    })
    await assert.rejects(watchConfig(join(folder, 'nope.yaml')), {
      code: 'CONFIG_UNREADABLE',
      message: `${join(folder, 'nope.yaml')}: cannot read the configuration: there is no such file`,
    })
  })
})
