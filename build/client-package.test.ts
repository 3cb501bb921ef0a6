import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runToEnd } from '../test/harness/process.ts'
import { invocation, SOURCES } from '../test/harness/program.ts'
import { ROOT } from './bundle.ts'
import { makeClientPackage } from './client-package.ts'

const out = mkdtempSync(join(tmpdir(), 'sallyport-client-'))
after(() => rmSync(out, { recursive: true, force: true }))

const filesOf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .toSorted()
      .map((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]),
  )

/** Of the language and of Node, younger than Node 20; syntax is brought down by the build. */
const YOUNGER =
  /\b(?:URL\.parse|Promise\.(?:withResolvers|try)|(?:Object|Map)\.groupBy|Array\.fromAsync|(?:Async)?DisposableStack|Symbol\.(?:asyncDispose|dispose)|import\.meta\.main)\b|\.(?:isSubsetOf|union|intersection|difference)\(|\.(?:values|entries|keys)\(\)\.(?:map|filter|some|every|find|take|drop|toArray)\(/

describe('the package of the client', () => {
  let folder = ''
  let files = new Map<string, string>()
  before(async () => {
    folder = await makeClientPackage(join(out, 'one'))
    files = filesOf(folder)
  })

  it('has the program, its licence, its bill of materials and a page, and is small', () => {
    assert.deepEqual(
      [...files.keys()],
      [
        '/LICENSE',
        '/README.md',
        '/bin/sallyport.mjs',
        '/dist/sallyport-client.mjs',
        '/package.json',
        '/sbom.cdx.json',
      ],
    )
    const bytes = Buffer.byteLength(files.get('/dist/sallyport-client.mjs') ?? '')
    assert.ok(bytes < 80_000, `${bytes} bytes`)
  })

  it('imports nothing but modules of Node', () => {
    const text = files.get('/dist/sallyport-client.mjs') ?? ''
    const imported = [...text.matchAll(/(?:(?<=[\s}])from|\bimport)\s*\(?\s*"([^"]+)"/g)].map(
      ([, name = '']) => name,
    )
    assert.ok(imported.length > 5)
    assert.deepEqual(
      imported.filter((name) => !name.startsWith('node:')),
      [],
    )
    assert.doesNotMatch(text, /\brequire\(/)
  })

  it('uses nothing that is younger than Node 20', () => {
    const text = files.get('/dist/sallyport-client.mjs') ?? ''
    assert.equal(YOUNGER.exec(text)?.[0], undefined)
    assert.ok(YOUNGER.test('URL.parse(x)') && YOUNGER.test('map.values().map(x)'))
    assert.doesNotMatch(text, /\b(?:await )?using \w+\s*=/)
  })

  it('is byte-equal when it is built again, and holds no path of the machine that built it', async () => {
    assert.deepEqual(filesOf(await makeClientPackage(join(out, 'two'))), files)
    for (const [path, text] of files)
      for (const where of [ROOT, homedir(), tmpdir()]) assert.ok(!text.includes(`${where}/`), path)
  })

  it('asks for Node 20, and for no other package', () => {
    const manifest = JSON.parse(files.get('/package.json') ?? '') as Record<string, unknown>
    assert.deepEqual(manifest['engines'], { node: '>=20' })
    assert.deepEqual(manifest['bin'], { sallyport: 'bin/sallyport.mjs' })
    for (const key of Object.keys(manifest)) assert.doesNotMatch(key, /dependencies|scripts/i)
  })

  for (const args of [['auth', '--help'], ['version'], ['routes', 'list', 'http://app.example.com'], ['k8s']])
    it(`says the same as the program that has all commands: ${args.join(' ')}`, async () => {
      const bin = join(folder, 'bin', 'sallyport.mjs')
      const [client, whole] = await Promise.all(
        [bin, SOURCES].map((path) => runToEnd({ ...invocation(path, args), withinMs: 60_000 })),
      )
      assert.deepEqual(client, whole)
    })
})
