import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { atOnce } from '../../turns.ts'
import type { Config } from '../config.ts'
import { parseConfig } from '../parse.ts'
import { Packing, Unpacking } from './config-parcel.ts'
import { FileParser } from './file-parser.ts'
import { ParseMemory } from './parse-memory.ts'
import { parseAside } from './thread-parser.ts'

const THREAD = new URL('../../config-thread.ts', import.meta.url)
const SECRET = Buffer.alloc(32, 7).toString('base64')
const textWith = (first: string) => `shared_secret: ${SECRET}
authenticate_service_url: https://auth.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: sallyport
idp_client_secret: planted
routes:
  - from: https://a.example.com
    to: ${first}
    policy: [{ allow: { or: [{ email: { is: alice@example.com } }] } }]
  - from: https://b.example.com
    to: http://b
    allow_public_unauthenticated_access: true
`

let folder: string
let file: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-thread-'))
  file = join(folder, 'config.yaml')
})
after(() => rm(folder, { recursive: true }))

const configOf = (text: string, memory = new ParseMemory()): Config => {
  const parsed = parseConfig(text, { memory })
  return 'config' in parsed ? parsed.config : assert.fail(parsed.problems[0]?.message)
}

describe('a parcel', () => {
  it('holds a configuration to the last key, secrets as secrets, frozen throughout', () => {
    const sent = configOf(textWith('http://a'))
    const got = atOnce(new Unpacking().open(new Packing().pack(sent)))
    assert.deepEqual(got, sent)
    assert.equal(got.settings.shared_secret?.reveal(), SECRET)
    assert.equal(got.settings.sign_in_providers[0]?.client_secret?.reveal(), 'planted')
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(isFrozen))
    assert.ok(isFrozen(got))
  })

  it('brings the routes that are new only, and the others are the very objects from before', () => {
    const packing = new Packing()
    const unpacking = new Unpacking()
    const first = configOf(textWith('http://a'))
    const one = atOnce(unpacking.open(packing.pack(first)))
    const second = configOf(textWith('http://changed'))
    const parcel = packing.pack({
      ...second,
      routes: [second.routes[0] ?? assert.fail(), first.routes[1] ?? assert.fail()],
    })
    assert.equal(parcel.boxes.flatMap(({ index }) => [...index]).length, 2, 'a number and an end')
    const two = atOnce(unpacking.open(parcel))
    assert.equal(two.routes[1], one.routes[1])
    assert.equal(two.routes[0]?.to?.[0]?.host, 'changed')
  })

  it('brings the settings as the very object from before while they say the same, a secret included', () => {
    const packing = new Packing()
    const unpacking = new Unpacking()
    const open = (text: string) => atOnce(unpacking.open(packing.pack(configOf(text))))
    const one = open(textWith('http://a'))
    assert.equal(open(textWith('http://changed')).settings, one.settings)
    const other = open(textWith('http://a').replace('planted', 'another')).settings
    assert.equal(other.sign_in_providers[0]?.client_secret?.reveal(), 'another')
  })

  it('is refused as a whole when it counts on a route that was never received', () => {
    const packing = new Packing()
    const sent = configOf(textWith('http://a'))
    packing.pack(sent)
    const late = new Unpacking()
    assert.throws(() => atOnce(late.open(packing.pack(sent))), /route 1 was never sent/)
    const whole = new Packing().pack(sent)
    assert.deepEqual(atOnce(late.open(whole)), sent, 'and the next one that is whole is opened')
  })

  it('brings no route that only moved, and tells where each stands now', () => {
    const memory = new ParseMemory()
    const packing = new Packing()
    const unpacking = new Unpacking()
    const second =
      "  - { from: https://second.example.com, to: 'http://s', tls_downstream_server_name: other.local }\n"
    const text = `${textWith('http://a')}${second}`
    atOnce(unpacking.open(packing.pack(configOf(text, memory))))
    const moved = configOf(
      text.replace('routes:\n', `routes:\n${second.replaceAll('second', 'new')}`),
      memory,
    )
    const parcel = packing.pack(moved)
    assert.equal(parcel.boxes.flatMap(({ index }) => [...index]).length, 2 * 2, 'one route under two hosts')
    assert.deepEqual(atOnce(unpacking.open(parcel)), moved)
  })

  it('of a thousand long routes is opened box by box', () => {
    const policy = Array.from({ length: 50 }, (_, n) => `{ http_path: { is: /${n} } }`).join(', ')
    const routes = Array.from(
      { length: 1000 },
      (_, n) =>
        `  - { from: 'https://a${n}.example.com', to: 'http://a', policy: [{ allow: { or: [${policy}] } }] }`,
    )
    const config = configOf(`routes:\n${routes.join('\n')}\n`)
    const parcel = new Packing().pack(config)
    assert.ok(parcel.boxes.length > 3)
    assert.ok(parcel.boxes.every(({ bodies }) => bodies.length < 300_000))
    assert.deepEqual(atOnce(new Unpacking().open(parcel)), config)
  })

  it('is opened with a pause after each route', () => {
    const routes = Array.from(
      { length: 50 },
      (_, n) => `  - { from: 'https://a${n}.example.com', to: 'http://a' }`,
    )
    const work = new Unpacking().open(new Packing().pack(configOf(`routes:\n${routes.join('\n')}\n`)))
    let pauses = 0
    while (work.next().done !== true) pauses += 1
    assert.ok(pauses >= 50)
  })
})

describe('a long configuration', { timeout: 120_000 }, () => {
  it('is parsed in a thread, with the result, the mistakes and the places that this thread would give', async () => {
    await using aside = parseAside(file, {}, THREAD, { longestHere: 0 })
    const here = new FileParser(file, {})
    for (const text of [textWith('http://a'), textWith('http://other'), `${textWith('http://a')}tpyo: 1\n`]) {
      await writeFile(file, text)
      const [got, wanted] = [await aside.parse(1, new Map()), here.parse(1, new Map())]
      assert.deepEqual(got, wanted)
      if (got.kind === 'config') assert.deepEqual(await aside.parse(2, got.seen), { kind: 'unchanged' })
    }
    assert.deepEqual(await aside.locate(['shared_secret']), here.locate(['shared_secret']))
  })

  it('is parsed in a thread also when only what it refers to is long, from the first time on', async () => {
    const worker = new URL(
      `data:text/javascript,import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw new Error('planted') })`,
    )
    await using aside = parseAside(file, {}, worker)
    const lists = join(folder, 'lists.pem')
    await writeFile(file, `${textWith('http://a')}downstream_mtls: { crl_file: lists.pem }\n`)
    await writeFile(lists, 'short')
    const parsed = await aside.parse(1, new Map())
    assert.ok(parsed.kind === 'refused')
    await writeFile(lists, 'x'.repeat(300_000))
    await assert.rejects(aside.parse(1, new Map()), /planted/)
    await assert.rejects(aside.parse(1, parsed.seen), /planted/)
  })

  it('runs the checks and the tests of policies there', async () => {
    await using aside = parseAside(file, {}, THREAD, { longestHere: 0 })
    const tests = "    tests: [{ who: anonymous, expect: allow, name: 'anybody' }]\n"
    await writeFile(file, textWith('http://a').replace('  - from: https://b', `${tests}  - from: https://b`))
    const parsed = await aside.parse(1, new Map())
    assert.ok(parsed.kind === 'refused')
    assert.match(
      parsed.problems[0]?.message ?? '',
      /^test failed: anybody .*expected allow, but it is sign-in/,
    )
  })

  it('costs one attempt, and not the process, when the thread dies; the next attempt has a new one', async () => {
    const dying = new URL(
      `data:text/javascript,import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw new Error('planted') })`,
    )
    await using broken = parseAside(file, {}, dying, { longestHere: 0 })
    await writeFile(file, textWith('http://a'))
    for (let n = 0; n < 2; n += 1)
      await assert.rejects(broken.parse(1, new Map()), /the thread that parses it has ended: planted/)
  })

  it('that takes too much memory is not taken and says so, and the next attempt has a new thread', async () => {
    const greedy = new URL(
      `data:text/javascript,${[
        "import { parentPort, workerData } from 'node:worker_threads'",
        "import { readFileSync } from 'node:fs'",
        'const kept = []',
        "const take = () => { if (readFileSync(workerData, 'utf8').includes('long')) for (;;) kept.push(new Array(10000).fill(0.5)) }",
        "parentPort.on('message', () => { take(); parentPort.postMessage({ kind: 'unchanged' }) })",
      ].join(';')}`,
    )
    await using aside = parseAside(file, {}, greedy, { longestHere: 0, memoryMb: 24 })
    await writeFile(file, 'long')
    await assert.rejects(
      aside.parse(2, new Map()),
      /^Error: it is too large: parsing it takes more than 24 MiB of memory\. Use fewer/,
    )
    await writeFile(file, 'short')
    assert.deepEqual(await aside.parse(2, new Map()), { kind: 'unchanged' })
  })

  it('is parsed by a new thread after a parcel that could not be opened, since the old one believes that it was', async () => {
    // Its first parcel is damaged, its later ones are not, as it takes what it sent for received.
    const forgetful = new URL(
      `data:text/javascript,${[
        "import { parentPort } from 'node:worker_threads'",
        "import { serialize } from 'node:v8'",
        'let times = 0',
        "const empty = { kind: 'config', seen: new Map(), warnings: [] }",
        "const parcel = { generation: 1, checksum: '', file: '', routes: new Uint32Array(0), boxes: [] }",
        'const settings = () => (++times === 1 ? new Uint8Array([1]) : serialize({}))',
        "parentPort.on('message', () => parentPort.postMessage({ ...empty, parcel: { ...parcel, settings: settings() } }))",
      ].join(';')}`,
    )
    await using aside = parseAside(file, {}, forgetful, { longestHere: 0 })
    await writeFile(file, textWith('http://a'))
    for (let n = 0; n < 2; n += 1)
      await assert.rejects(aside.parse(1, new Map()), /deserialize|Unable|version/i)
  })
})
