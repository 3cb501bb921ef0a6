import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { generated, type Import, imports, isOfTests, roomOf, written } from '../scripts/source-imports.ts'

/** What any room may stand on. */
const GROUND = [
  'errors.ts',
  'loopback.ts',
  'make-folder.ts',
  'shown-url.ts',
  'turns.ts',
  'bounded-map.ts',
  'flat-claims.ts',
  'mail-address.ts',
  'plain-text.ts',
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
  client: ['errors.ts', 'plain-text.ts'],
  xds: ['config', ...GROUND],
  extauthz: [...SHARED, ...MEANING, ...GROUND],
  supervise: [...SHARED, ...MEANING, ...GROUND],
  authenticate: [...SHARED, ...MEANING, ...GROUND],
  ssh: [...SHARED, ...MEANING, ...GROUND],
  mcp: [...SHARED, ...MEANING, ...GROUND],
  api: [...SHARED, ...MEANING, ...GROUND],
  tunnel: GROUND,
  outbound: ['loopback.ts', 'shown-url.ts', 'errors.ts', 'turns.ts'],
  edge: ['crypto', 'errors.ts'],
  lookups: ['config', ...GROUND],
  upstream: ['access', ...MEANING, ...GROUND],
  audit: ['access', ...MEANING, ...GROUND],
  access: ['session', 'identity', 'directory', 'policy', 'config', ...GROUND],
  directory: ['config', 'identity', 'session', ...GROUND],
  identity: ['config', ...GROUND],
  session: ['config', 'identity', ...GROUND],
  policy: ['config', 'crypto', 'errors.ts', 'flat-claims.ts', 'mail-address.ts'],
  config: ['loopback.ts', 'shown-url.ts', 'bounded-map.ts', 'crypto', 'errors.ts', 'turns.ts'],
  transport: ['telemetry', 'gen', 'errors.ts', 'make-folder.ts'],
  crypto: ['errors.ts', 'make-folder.ts', 'turns.ts'],
  telemetry: ['errors.ts'],
  envoy: ['errors.ts', 'form', 'make-folder.ts', 'telemetry'],
  proto: ['gen'],
  gen: ['form'],
  'errors.ts': [],
  'loopback.ts': [],
  'make-folder.ts': ['errors.ts'],
  'shown-url.ts': [],
  'turns.ts': [],
  'bounded-map.ts': [],
  'flat-claims.ts': [],
  'mail-address.ts': [],
  'plain-text.ts': [],
  'rate-limiter.ts': ['bounded-map.ts'],
}

/** Rooms that may be named in types but not be run. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  policy: ['config'],
  directory: ['session'],
  session: ['identity'],
}

/**
 * Of each folder within a room: which of the folders beside it it may import, `.` for what stands flat above
 * it. What stands flat may import all folders below it.
 */
const WITHIN: Readonly<Record<string, readonly string[]>> = {
  'access/credentials': [],
  'access/credentials/bearer': [],
  'access/credentials/client-certificate': [],
  'access/credentials/service-account': [],
  'access/tests': ['.'],
  'authenticate/pages': ['.'],
  'authenticate/steps': ['.', 'pages'],
  'authenticate/steps/request': ['.'],
  'cli/backup': [],
  'cli/client': ['.', 'commands'],
  'cli/commands': ['.', 'backup', 'diff', 'doctor', 'import', 'state'],
  'cli/demo': [],
  'cli/doctor': ['.'],
  'cli/diff': ['.', 'replay'],
  'cli/explain': ['.', 'replay'],
  'cli/import': ['.'],
  'cli/import/authelia': ['.'],
  'cli/import/oauth2-proxy': ['.'],
  'cli/init': [],
  'cli/replay': [],
  'cli/state': ['.'],
  'client/credentials': [],
  'client/http': ['.'],
  'client/login': ['.', 'credentials', 'http'],
  'config/file': ['.', 'routing', 'values'],
  'config/keys': ['.', 'routing', 'values'],
  'config/keys/credentials': ['.', 'sign-in'],
  'config/keys/directory': ['.'],
  'config/keys/policy': ['.'],
  'config/keys/sign-in': ['.'],
  'config/keys/upstream': ['.', 'sign-in'],
  'config/routing': ['.', 'values'],
  'config/values': ['.'],
  'crypto/openssh': [],
  'crypto/x509': [],
  'directory/pull': ['.'],
  'directory/scim': ['.'],
  'extauthz/answers': ['.'],
  'extauthz/share': ['.'],
  'identity/github': ['.', 'openid', 'presets'],
  'identity/openid': ['.', 'presets'],
  'identity/presets': [],
  'policy/criteria': ['.', 'matching'],
  'policy/matching': ['.'],
  'session/refresh': ['.'],
  'session/sqlite': ['.'],
  'upstream/exchange': ['.'],
  'xds/ads': [],
  'xds/resources': ['ads'],
  'xds/resources/clusters': ['.'],
  'xds/resources/listeners': ['.', 'routes'],
  'xds/resources/routes': ['.'],
}

/**
 * Which other rooms may import a folder within a room, besides those that may import everything. All others
 * have their doors in what stands flat.
 */
const OPEN_TO: Readonly<Record<string, readonly string[]>> = {
  'access/credentials': ['audit', 'authenticate', 'extauthz', 'supervise', 'upstream'],
  'config/file': [
    'access',
    'config-thread.ts',
    'directory',
    'follow-config.ts',
    'identity',
    'lookups',
    'upstream',
  ],
  'config/keys': ['access', 'directory', 'extauthz', 'follow-config.ts', 'identity', 'upstream', 'xds'],
  'config/routing': ['access', 'extauthz', 'xds'],
  'config/values': ['access', 'audit', 'authenticate', 'directory', 'xds'],
  'crypto/openssh': ['policy'],
  'crypto/x509': ['access', 'config', 'xds'],
  'identity/openid': ['access'],
  'policy/matching': ['access', 'extauthz'],
}

/** Source files that may stand flat in a folder. More ask for sub-rooms. */
const MOST_FILES = 20

/** Fixtures and suites are tests: like these they may take parts of the harness. */
const strangersAmong = (all: readonly Import[]): readonly string[] =>
  all
    .filter(({ path, from, to }) => {
      const allowed = MAY_IMPORT[from]
      const isOfHarness = to === 'test' && isOfTests(path)
      return from !== to && !isOfHarness && allowed !== 'all' && allowed?.includes(to) !== true
    })
    .map(({ path, from, to }) => `${path}: "${from}" may not import "${to}"`)

const valuesAmong = (all: readonly Import[]): readonly string[] =>
  all
    .filter(({ from, to, isTypeOnly }) => !isTypeOnly && TYPES_ONLY[from]?.includes(to) === true)
    .map(({ path, to }) => `${path}: write "import type" for what comes from "${to}"`)

/** `src/config/keys/sign-in/a.ts` stands in `config`, `keys`, `sign-in`. */
const foldersOf = (path: string): readonly string[] => path.split('/').slice(1, -1)

/** Imports from one folder of a room to another that the table does not have. */
const strayWithinRooms = (all: readonly Import[]): readonly string[] =>
  all.flatMap(({ path, from, to, target }) => {
    if (from !== to || isOfTests(path)) return []
    const [mine, theirs] = [foldersOf(path), foldersOf(target)]
    const fork = mine.findIndex((name, at) => name !== theirs[at])
    if (fork < 1) return []
    const folder = mine.slice(0, fork + 1).join('/')
    const wanted = theirs[fork] ?? '.'
    return WITHIN[folder]?.includes(wanted) === true
      ? []
      : [`${path}: "${folder}" may not import "${wanted}"`]
  })

/** From folder to folder beside it, as far as a room has such; what stands flat is no folder. */
const foldersBeside = (all: readonly Import[]) =>
  all.flatMap(({ path, from, to, target }) => {
    const [mine, theirs] = [foldersOf(path), foldersOf(target)]
    const fork = mine.findIndex((name, at) => name !== theirs[at])
    if (from !== to || isOfTests(path) || fork < 1 || theirs[fork] === undefined) return []
    return [[mine.slice(0, fork + 1).join('/'), theirs.slice(0, fork + 1).join('/')] as const]
  })

/** Imports of what stands within another room and is not open to that one. */
const intrudersAmong = (all: readonly Import[]): readonly string[] =>
  all.flatMap(({ path, from, to, target }) => {
    const [room, below] = foldersOf(target)
    const isWithin = from !== to && room === to && below !== undefined && to !== 'gen'
    if (!isWithin || isOfTests(path) || MAY_IMPORT[from] === 'all') return []
    const folder = `${room}/${below}`
    return OPEN_TO[folder]?.includes(from) === true ? [] : [`${path}: "${folder}" is not open to "${from}"`]
  })

/** As if it stood in a file: each check is shown one that it must find. */
function invented(path: string, target: string, isTypeOnly = false): Import {
  return { path, target, from: roomOf(path), to: roomOf(target), isTypeOnly }
}

function graphOf(all: readonly (readonly [from: string, to: string])[]): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>()
  for (const [from, to] of all) graph.set(from, (graph.get(from) ?? new Set()).add(to))
  return graph
}

const cyclesIn = (all: readonly (readonly [from: string, to: string])[]): readonly string[] => {
  const graph = graphOf(all)
  return [...graph.keys()].map((each) => cycleFrom(each, graph)).filter((way) => way !== undefined)
}

const roomsOf = (all: readonly Import[]) =>
  all.filter(({ from, to }) => from !== to).map(({ from, to }) => [from, to] as const)

const filesOf = (all: readonly Import[]) =>
  all.filter(({ to }) => to !== 'gen').map(({ path, target }) => [path, target] as const)

const drawersAmong = (paths: readonly string[]) =>
  paths.filter((path) => /(?:^|\/)(?:utils?|helpers?|common|lib)(?:\/|\.ts$)/.test(path))

const fullFoldersAmong = (paths: readonly string[]): readonly string[] =>
  [...Map.groupBy(paths, dirname)]
    .filter(([, files]) => files.length > MOST_FILES)
    .map(([folder, { length }]) => `${folder}: ${length}`)

const isNameless = (text: string) => /^export default\b/m.test(text)

const unknownRoomsAmong = (paths: readonly string[]) =>
  [...new Set(paths.map(roomOf))].filter((room) => MAY_IMPORT[room] === undefined)

const unknownFoldersAmong = (paths: readonly string[]): readonly string[] => [
  ...new Set(
    paths
      .filter((path) => path.startsWith('src/') && roomOf(path) !== 'gen')
      .flatMap((path) => {
        const folders = foldersOf(path)
        return folders.map((_, at) => folders.slice(0, at + 1).join('/')).slice(1)
      })
      .filter((folder) => WITHIN[folder] === undefined),
  ),
]

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

/** A file with all that it imports, however far off. */
function reachedFrom(start: string): ReadonlySet<string> {
  const reached = new Set([start])
  // A set goes on with what is added meanwhile.
  for (const path of reached)
    for (const each of imports) if (each.path === path && !each.isTypeOnly) reached.add(each.target)
  return reached
}

const importsPackages = (path: string): boolean =>
  /(?:^import\b[^'";]*?from\s*|\bimport\(\s*)'(?!\.|node:)/m.test(readFileSync(path, 'utf8'))

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

  it('knows every room, and every folder within one', () => {
    assert.deepEqual(unknownRoomsAmong(written), [])
    assert.deepEqual(unknownRoomsAmong(['src/attic/a.ts']), ['attic'])
    const sources = written.filter((path) => !isOfTests(path))
    assert.deepEqual(unknownFoldersAmong(sources), [])
    assert.deepEqual(unknownFoldersAmong(['src/config/attic/box/a.ts']), ['config/attic', 'config/attic/box'])
    const there = new Set(sources.map((path) => foldersOf(path).join('/')))
    const gone = [...Object.keys(WITHIN), ...Object.keys(OPEN_TO)].filter(
      (folder) => ![...there].some((each) => each === folder || each.startsWith(`${folder}/`)),
    )
    assert.deepEqual(gone, [])
  })

  it('lets rooms import only what the table says', () => {
    assert.deepEqual(strangersAmong(imports), [])
    assert.deepEqual(
      strangersAmong([
        invented('src/policy/judge.ts', 'src/extauthz/service.ts'),
        invented('src/policy/judge.ts', 'test/harness/until.ts'),
        // this may
        invented('src/policy/judge.fixture.ts', 'test/harness/until.ts'),
      ]),
      [
        'src/policy/judge.ts: "policy" may not import "extauthz"',
        'src/policy/judge.ts: "policy" may not import "test"',
      ],
    )
  })

  it('lets rooms take types only where the table says', () => {
    assert.deepEqual(valuesAmong(imports), [])
    const [judge, config] = ['src/policy/judge.ts', 'src/config/parse.ts']
    assert.equal(valuesAmong([invented(judge, config)]).length, 1)
    assert.equal(valuesAmong([invented(judge, config, true)]).length, 0)
  })

  it('lets folders of a room import only what the table says', () => {
    assert.deepEqual(strayWithinRooms(imports), [])
    assert.deepEqual(
      strayWithinRooms([
        invented('src/session/sqlite/a.ts', 'src/session/refresh/b.ts'),
        invented('src/access/credentials/bearer/a.ts', 'src/access/pipeline.ts'),
        invented('src/config/keys/policy/a.ts', 'src/config/keys/upstream/b.ts'),
        invented('src/config/keys/policy/a.ts', 'src/config/file/b.ts'),
        // these may
        invented('src/config/keys/policy/a.ts', 'src/config/values/b.ts'),
        invented('src/session/store.ts', 'src/session/sqlite/b.ts'),
        invented('src/session/sqlite/a.ts', 'src/session/sqlite/b.ts'),
      ]),
      [
        'src/session/sqlite/a.ts: "session/sqlite" may not import "refresh"',
        'src/access/credentials/bearer/a.ts: "access/credentials" may not import "."',
        'src/config/keys/policy/a.ts: "config/keys/policy" may not import "upstream"',
        'src/config/keys/policy/a.ts: "config/keys" may not import "file"',
      ],
    )
  })

  it('lets nobody past the door of a room', () => {
    assert.deepEqual(intrudersAmong(imports), [])
    assert.deepEqual(
      intrudersAmong([
        invented('src/extauthz/a.ts', 'src/session/sqlite/b.ts'),
        invented('src/directory/a.ts', 'src/identity/openid/b.ts'),
        // these may
        invented('src/access/a.ts', 'src/identity/openid/b.ts'),
        invented('src/extauthz/a.ts', 'src/session/store.ts'),
        invented('src/main.ts', 'src/directory/scim/b.ts'),
      ]),
      [
        'src/extauthz/a.ts: "session/sqlite" is not open to "extauthz"',
        'src/directory/a.ts: "identity/openid" is not open to "directory"',
      ],
    )
  })

  it('has no import cycle between rooms', () => {
    assert.deepEqual(cyclesIn(roomsOf(imports)), [])
    const back = invented('src/config/a.ts', 'src/session/b.ts')
    assert.ok(cyclesIn(roomsOf([...imports, back])).some((way) => way.includes('session → config')))
  })

  it('has no circle of folders within a room, types included', () => {
    const beside = foldersBeside(imports)
    assert.deepEqual(cyclesIn(beside), [])
    assert.ok(beside.some(([from, to]) => from === 'xds/resources' && to === 'xds/ads'))
    const back = invented('src/xds/ads/a.ts', 'src/xds/resources/clusters/b.ts', true)
    assert.ok(cyclesIn(foldersBeside([...imports, back])).length > 0)
  })

  it('has no circle of files, types included', () => {
    const files = filesOf(imports)
    assert.deepEqual(cyclesIn(files), [])
    assert.ok(graphOf(files).size > 300, `only ${graphOf(files).size} files import others`)
    const [path, target] = files[0] ?? []
    assert.ok(path !== undefined && target !== undefined)
    assert.ok(cyclesIn([...files, [target, path]]).length > 0)
  })

  it('keeps the server out of the client, and with it all packages', () => {
    const reached = reachedFrom('src/cli/client/sallyport-client.ts')
    assert.ok(reached.has('src/client/login/login.ts') && reached.has('src/cli/command-line.ts'))
    const rooms = new Set([...reached].map(roomOf))
    assert.deepEqual([...rooms].toSorted(), ['cli', 'client', 'config', 'errors.ts', 'form', 'plain-text.ts'])
    assert.deepEqual(
      [...reached].filter((path) => roomOf(path) === 'config' || roomOf(path) === 'form').toSorted(),
      ['src/config/table-row.ts', 'src/config/values/nearest.ts', 'src/form/installation.ts'],
    )
    assert.deepEqual([...reached].filter(importsPackages), [])
    assert.ok(importsPackages('src/outbound/http-client.ts'))
  })

  it('composes, in a file that can be read at once', () => {
    const lines = readFileSync('src/main.ts', 'utf8').split('\n').length
    assert.ok(lines > 50 && lines <= 201, `${lines} lines`)
  })

  it('has no folder in which a file is hard to find', () => {
    const sources = written.filter((path) => !isOfTests(path))
    assert.ok(new Set(sources.map(dirname)).size > 20)
    assert.deepEqual(fullFoldersAmong(sources), [])
    const many = Array.from({ length: MOST_FILES + 1 }, (_, index) => `src/attic/${index}.ts`)
    assert.deepEqual(fullFoldersAmong(many), [`src/attic: ${MOST_FILES + 1}`])
  })

  it('keeps what is written by hand out of src/gen', () => {
    const header =
      /^(?:\/\/ (?:Original file: )?(?:null|\S+\.proto)\n|import type \* as grpc from '@grpc\/grpc-js')/
    const strays = generated.filter((path) => !header.test(readFileSync(path, 'utf8')))
    assert.deepEqual(strays, [])
    assert.ok(!header.test(readFileSync('src/main.ts', 'utf8')))
  })

  it('has no drawers: a thing is named after what it is for', () => {
    assert.deepEqual(drawersAmong(written), [])
    const drawers = ['src/util/a.ts', 'src/config/helpers.ts', 'src/config/commonplace.ts']
    assert.deepEqual(drawersAmong(drawers), drawers.slice(0, 2))
  })

  it('has comments that end at column 110', () => {
    const long = written.flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .flatMap((line, at) => (isLongComment(line) ? [`${path}:${at + 1}`] : [])),
    )
    assert.deepEqual(long, [])
    assert.ok(isLongComment(` * ${'word '.repeat(22)}`) && !isLongComment(` * ${'word '.repeat(20)}`))
  })

  it('exports by name only', () => {
    assert.deepEqual(
      written.filter((path) => isNameless(readFileSync(path, 'utf8'))),
      [],
    )
    assert.ok(isNameless('const a = 1\nexport default a'))
  })
})
