import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { generated, type Import, imports, isOfTests, roomOf, written } from '../scripts/source-imports.ts'

/** What any room may stand on. */
const GROUND = [
  'errors.ts',
  'shown-url.ts',
  'turns.ts',
  'bounded-map.ts',
  'flat-claims.ts',
  'mail-address.ts',
  'rate-limiter.ts',
  'crypto',
  'edge',
  'outbound',
  'telemetry',
  'transport',
  'form',
  'gen',
  'envoy',
]

/** What services share. */
const SHARED = ['access', 'upstream', 'audit']

const MEANING = ['policy', 'session', 'identity', 'directory', 'lookups', 'config']

/** Which rooms each room may import, besides itself. A service never imports a service. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | 'all'>> = {
  'main.ts': 'all',
  compose: 'all',
  form: [],
  'follow-config.ts': ['access', 'audit', 'config', 'policy', ...GROUND],
  'config-thread.ts': ['access', 'config'],
  cli: 'all',
  xds: ['config', ...GROUND],
  extauthz: [...SHARED, ...MEANING, ...GROUND],
  supervise: [...SHARED, ...MEANING, ...GROUND],
  authenticate: [...SHARED, ...MEANING, ...GROUND],
  ssh: [...SHARED, ...MEANING, ...GROUND],
  mcp: [...SHARED, ...MEANING, ...GROUND],
  api: [...SHARED, ...MEANING, ...GROUND],
  tunnel: GROUND,
  outbound: ['shown-url.ts', 'errors.ts', 'turns.ts'],
  edge: ['crypto', 'errors.ts'],
  lookups: ['config', ...GROUND],
  upstream: ['access', ...MEANING, ...GROUND],
  audit: ['access', ...MEANING, ...GROUND],
  access: ['session', 'identity', 'directory', 'policy', 'config', ...GROUND],
  directory: ['config', 'identity', 'session', ...GROUND],
  identity: ['config', ...GROUND],
  session: ['config', 'identity', ...GROUND],
  policy: ['config', 'crypto', 'errors.ts', 'flat-claims.ts', 'mail-address.ts'],
  config: ['shown-url.ts', 'bounded-map.ts', 'crypto', 'errors.ts', 'turns.ts'],
  transport: ['telemetry', 'gen', 'errors.ts'],
  crypto: ['errors.ts', 'turns.ts'],
  telemetry: ['errors.ts'],
  envoy: ['errors.ts', 'form', 'telemetry'],
  proto: ['gen'],
  gen: ['form'],
  'errors.ts': [],
  'shown-url.ts': [],
  'turns.ts': [],
  'bounded-map.ts': [],
  'flat-claims.ts': [],
  'mail-address.ts': [],
  'rate-limiter.ts': ['bounded-map.ts'],
}

/** Rooms that may be named in types but not be run. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  policy: ['config'],
  directory: ['session'],
  session: ['identity'],
}

/** Source files that may stand flat in a folder. More ask for sub-rooms. */
const MOST_FILES = 20

function mayImport({ from, to }: Import): boolean {
  const allowed = MAY_IMPORT[from]
  return from === to || allowed === 'all' || allowed?.includes(to) === true
}

/** The first way found from a room back to itself. */
function cycleFrom(start: string, graph: ReadonlyMap<string, ReadonlySet<string>>): string | undefined {
  const seen = new Set<string>()
  const walk = (room: string, way: readonly string[]): string | undefined => {
    for (const next of graph.get(room) ?? []) {
      if (next === start) return [...way, room, start].join(' → ')
      if (seen.has(next)) continue
      seen.add(next)
      const found = walk(next, [...way, room])
      if (found !== undefined) return found
    }
    return undefined
  }
  return walk(start, [])
}

const isLongComment = (line: string) =>
  line.length > 110 && /^ *(?:\*|\/\/|\/\*\*)/.test(line) && !line.includes('oxlint-disable')

describe('the architecture', () => {
  it('is looked at: sources and imports were found', () => {
    assert.ok(written.length > 50, `only ${written.length} files`)
    assert.ok(imports.length > 100, `only ${imports.length} imports`)
    assert.ok(generated.length > 10, `only ${generated.length} generated files`)
    assert.ok(imports.some(({ from, to }) => from === 'policy' && to === 'policy'))
    assert.ok(imports.some((each) => each.isTypeOnly) && imports.some((each) => !each.isTypeOnly))
  })

  it('knows every room', () => {
    const rooms = [...new Set(written.map(roomOf))]
    assert.deepEqual(
      rooms.filter((room) => MAY_IMPORT[room] === undefined),
      [],
    )
  })

  it('lets rooms import only what the table says', () => {
    const breaches = imports.filter((each) => !mayImport(each))
    assert.deepEqual(
      breaches.map(({ path, from, to }) => `${path}: "${from}" may not import "${to}"`),
      [],
    )
  })

  it('lets rooms take types only where the table says', () => {
    const breaches = imports.filter(
      ({ from, to, isTypeOnly: harmless }) => !harmless && TYPES_ONLY[from]?.includes(to),
    )
    assert.deepEqual(
      breaches.map(({ path, to }) => `${path}: write "import type" for what comes from "${to}"`),
      [],
    )
  })

  it('has no import cycle between rooms', () => {
    const graph = new Map<string, Set<string>>()
    for (const { from, to } of imports) {
      if (from !== to) graph.set(from, (graph.get(from) ?? new Set()).add(to))
    }
    const cycles = [...graph.keys()].map((room) => cycleFrom(room, graph)).filter((way) => way !== undefined)
    assert.deepEqual(cycles, [])
  })

  it('has no circle of files, types included', () => {
    const graph = new Map<string, Set<string>>()
    for (const { path, to, target } of imports)
      if (to !== 'gen') graph.set(path, (graph.get(path) ?? new Set()).add(target))
    const circles = [...graph.keys()].map((path) => cycleFrom(path, graph)).filter((way) => way !== undefined)
    assert.deepEqual(circles, [])
    assert.ok(graph.size > 300, `only ${graph.size} files import others`)
  })

  it('composes, in a file that can be read at once', () => {
    const lines = readFileSync('src/main.ts', 'utf8').split('\n').length
    assert.ok(lines > 50 && lines <= 201, `${lines} lines`)
  })

  it('has no folder in which a file is hard to find', () => {
    const counts = Map.groupBy(
      written.filter((path) => !isOfTests(path)),
      dirname,
    )
    assert.ok(counts.size > 20, `only ${counts.size} folders`)
    assert.deepEqual(
      [...counts]
        .filter(([, files]) => files.length > MOST_FILES)
        .map(([folder, { length }]) => `${folder}: ${length}`),
      [],
    )
  })

  it('keeps what is written by hand out of src/gen', () => {
    const header =
      /^(?:\/\/ (?:Original file: )?(?:null|\S+\.proto)\n|import type \* as grpc from '@grpc\/grpc-js')/
    const strays = generated.filter((path) => !header.test(readFileSync(path, 'utf8')))
    assert.deepEqual(strays, [])
  })

  it('has no drawers: a thing is named after what it is for', () => {
    const drawers = written.filter((path) => /(?:^|\/)(?:utils?|helpers?|common|lib)(?:\/|\.ts$)/.test(path))
    assert.deepEqual(drawers, [])
  })

  it('has comments that end at column 110', () => {
    const long = written.flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .flatMap((line, at) => (isLongComment(line) ? [`${path}:${at + 1}`] : [])),
    )
    assert.deepEqual(long, [])
  })

  it('exports by name only', () => {
    const nameless = written.filter((path) => /^export default\b/m.test(readFileSync(path, 'utf8')))
    assert.deepEqual(nameless, [])
  })
})
