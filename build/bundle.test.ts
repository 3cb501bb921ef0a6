import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import protobuf from 'protobufjs'
import { type ProtoScope, protoRoot } from '../src/form/protos.ts'
import { PROTO_FILES } from '../src/gen/protos.ts'
import { runToEnd } from '../test/harness/process.ts'
import { invocation, SOURCES } from '../test/harness/program.ts'
import { ROOT } from './bundle.ts'
import { makeProgramPackage } from './npm-package.ts'
import { slimProtos } from './proto-data.ts'

const out = mkdtempSync(join(tmpdir(), 'sallyport-bundle-'))
after(() => rmSync(out, { recursive: true, force: true }))

/** All files of a folder, by their paths in it. */
function filesOf(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  )
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).toSorted()
  return new Map(paths.map((path) => [path.slice(folder.length), readFileSync(path)]))
}

describe('the bundle', () => {
  let folder = ''
  before(async () => {
    folder = await makeProgramPackage(join(out, 'one'))
  })

  for (const args of [
    ['--help'],
    ['version'],
    ['explain', '--help'],
    ['serve', '--confg', 'x'],
    ['validate', '-c', join(ROOT, 'examples', 'compose', 'config.yaml')],
    ['validate', '-c', join(ROOT, 'package.json')],
    ['test', '-c', join(ROOT, 'examples', 'behind-paths', 'config.yaml')],
    ['completion', 'bash'],
  ])
    it(`says the same as the sources: ${args.join(' ').replace(ROOT, '')}`, async () => {
      const bin = join(folder, 'bin', 'sallyport.mjs')
      const [bundled, source] = await Promise.all(
        [bin, SOURCES].map((path) => runToEnd({ ...invocation(path, args), withinMs: 60_000 })),
      )
      assert.deepEqual(bundled, source)
      assert.notEqual(`${source?.stdout}${source?.stderr}`, '')
    })

  it('is byte-equal when it is built again', async () => {
    const again = filesOf(await makeProgramPackage(join(out, 'two')))
    const first = filesOf(folder)
    assert.deepEqual([...again.keys()], [...first.keys()])
    for (const [path, bytes] of first) assert.ok(again.get(path)?.equals(bytes), path)
  })

  it('holds no path of the machine that built it, and no address of a registry', () => {
    for (const [path, bytes] of filesOf(folder)) {
      const text = bytes.toString('utf8')
      for (const where of [ROOT, homedir(), tmpdir()])
        assert.ok(!text.includes(`${where}/`), `${path} holds ${where}`)
      assert.doesNotMatch(text, /registry\.(?:npmjs|yarnpkg)\./, path)
    }
  })

  it('keeps the names of classes, which libraries write into what they store', () => {
    const text = [...filesOf(folder).values()].join('\n')
    for (const name of ['Session', 'AuthorizationCode', 'Fault'])
      assert.match(text, new RegExp(`\\(this,"${name}"\\)`))
  })

  it('has the text of the licence of each package in it', () => {
    const texts = readFileSync(join(folder, 'THIRD-PARTY-LICENCES.txt'), 'utf8')
    const { components } = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string }[]
    }
    assert.ok(components.length > 100)
    for (const { name, version } of components) {
      const part = texts.split(`\n${name} ${version} (`)[1]?.split('='.repeat(100))[1] ?? ''
      assert.ok(part.length > 300, `${name} ${version}: ${part}`)
    }
  })

  it('has a bill of materials with what CycloneDX requires, and a hash of each package', () => {
    const bill = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8')) as {
      bomFormat: string
      specVersion: string
      version: number
      components: Record<string, unknown>[]
    }
    assert.deepEqual([bill.bomFormat, bill.specVersion, bill.version], ['CycloneDX', '1.6', 1])
    assert.equal(new Set(bill.components.map((each) => each['bom-ref'])).size, bill.components.length)
    for (const component of bill.components) {
      for (const key of ['type', 'name', 'version', 'purl', 'licenses']) assert.ok(component[key], key)
      assert.match(JSON.stringify(component['hashes']), /"SHA-512","content":"[0-9a-f]{128}"/)
    }
  })
})

/** All that decides what is on the wire. */
function wire(root: protobuf.Root): string[] {
  const found: string[] = []
  const tell = (...facts: unknown[]): void => void found.push(JSON.stringify(facts))
  const walk = (space: protobuf.NamespaceBase): void => {
    for (const part of space.nestedArray) {
      if (part instanceof protobuf.Enum) tell(part.fullName, part.values)
      if (part instanceof protobuf.Service)
        for (const {
          fullName,
          requestType,
          responseType,
          requestStream,
          responseStream,
        } of part.methodsArray)
          tell(fullName, requestType, responseType, requestStream, responseStream)
      if (part instanceof protobuf.Type)
        for (const field of part.fieldsArray.map((each) => each.resolve())) {
          const { fullName, id, type, repeated, map, required, partOf, resolvedType } = field
          // Truthy, whatever its type says.
          const hasPresence = field.hasPresence ? 'present' : 'implied'
          tell(fullName, id, type, repeated, map, required, field.packed, hasPresence)
          tell(fullName, partOf?.name, resolvedType?.fullName)
        }
      if (part instanceof protobuf.Namespace) walk(part)
    }
  }
  walk(root.resolveAll())
  return found.toSorted()
}

describe('the messages of Envoy as data', () => {
  for (const scope of ['services', 'all'] as const satisfies ProtoScope[])
    it(`are the same on the wire as the .proto files: ${scope}`, () => {
      const tree = JSON.parse(slimProtos(scope)) as protobuf.INamespace
      const source = wire(protoRoot(scope, PROTO_FILES[scope]))
      assert.ok(source.length > 200)
      assert.deepEqual(wire(protobuf.Root.fromJSON(tree)), source)
    })
})
