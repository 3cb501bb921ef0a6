/**
 * Bad input at start-up: each mistake has a message for the operator and a non-zero exit, and serves nothing.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { stringify } from 'yaml'
import { freePorts, tempDir } from '../harness/ports.ts'
import { type ConfigDocument, sallyportCli } from '../harness/sallyport.ts'
import { createTestCa, writeKeyPair } from '../harness/test-ca.ts'

const ca = await createTestCa()
const pair = await ca.issue({ names: ['app.localhost', 'authenticate.localhost'] })

/** A folder with a configuration that would be good, changed by `change`. */
async function folderWith(
  change: (config: ConfigDocument, folder: string) => object | string,
): Promise<AsyncDisposable & { readonly path: string; readonly port: number }> {
  const folder = await tempDir('sp')
  const [port = 0, health = 0] = await freePorts(2)
  const { certFile, keyFile } = await writeKeyPair(join(folder.path, 'tls'), 'edge', pair)
  const good: ConfigDocument = {
    address: `127.0.0.1:${port}`,
    health_check_addr: `127.0.0.1:${health}`,
    authenticate_service_url: `https://authenticate.localhost:${port}`,
    certificates: [{ cert: certFile, key: keyFile }],
    idp_provider: 'oidc',
    idp_provider_url: 'http://127.0.0.1:9',
    idp_client_id: 'sallyport',
    idp_client_secret: 'secret of the tests',
    shared_secret: Buffer.alloc(32, 7).toString('base64'),
    routes: [{ from: 'https://app.localhost', to: 'http://127.0.0.1:9', allow_any_authenticated_user: true }],
  }
  const changed = change(good, folder.path)
  await writeFile(
    join(folder.path, 'config.yaml'),
    typeof changed === 'string' ? changed : stringify(changed),
  )
  return { path: folder.path, port, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

const [route] = [
  { from: 'https://app.localhost', to: 'http://127.0.0.1:9', allow_any_authenticated_user: true },
]

async function validate(folder: { readonly path: string }) {
  const { code, stdout, stderr } = await sallyportCli(
    ['validate', '--config', join(folder.path, 'config.yaml')],
    {
      cwd: folder.path,
    },
  )
  return { code, text: `${stdout}\n${stderr}` }
}

async function serve(folder: { readonly path: string }, env: Record<string, string | undefined> = {}) {
  const { code, stdout, stderr } = await sallyportCli(
    ['serve', '--config', join(folder.path, 'config.yaml')],
    {
      cwd: folder.path,
      env,
    },
  )
  return { code, text: `${stdout}\n${stderr}` }
}

describe('sallyport validate', () => {
  it('says so when all is well', async () => {
    await using folder = await folderWith((config) => config)
    const { code, text } = await validate(folder)
    assert.equal(code, 0, text)
  })

  it('reports all mistakes at once, each with file, line and column', async () => {
    await using folder = await folderWith((config) => ({
      ...config,
      adress: ':443',
      timeout_read: 'soon',
      routes: [
        { ...route, allow_websocket: true },
        { from: 'https://two.localhost' },
        { from: 'not a url', to: 'http://127.0.0.1:9' },
        {
          ...route,
          from: 'https://three.localhost',
          timeout: -1,
          policy: { allow: { and: [{ grups: 'x' }] } },
        },
      ],
    }))
    const { code, text } = await validate(folder)
    assert.notEqual(code, 0)
    for (const word of [
      'adress',
      'timeout_read',
      'allow_websocket',
      'two.localhost|routes',
      'from',
      'timeout',
      'grups',
    ]) {
      assert.match(text, new RegExp(word), word)
    }
    assert.ok([...text.matchAll(/config\.yaml:\d+:\d+/g)].length >= 6, text)
  })

  it('names what to use for a key that is not supported yet', async () => {
    await using folder = await folderWith((config) => ({ ...config, autocert: true }))
    const { code, text } = await validate(folder)
    assert.notEqual(code, 0)
    assert.match(text, /autocert.*not supported yet/s)
    assert.match(text, /config\.yaml:\d+:\d+/)
  })

  it('refuses two routes with one identity', async () => {
    await using folder = await folderWith((config) => ({ ...config, routes: [route, route] }))
    const { code, text } = await validate(folder)
    assert.notEqual(code, 0)
    assert.match(text, /repeats the route of line \d+/)
  })

  it('refuses a certificate that cannot be read, is none, or has another key', async () => {
    const other = await ca.issue({ names: ['app.localhost'] })
    const cases: [RegExp, (folder: string) => Promise<object> | object][] = [
      [
        /nowhere\.pem/,
        (path) => ({ cert: join(path, 'nowhere.pem'), key: join(path, 'tls', 'edge-key.pem') }),
      ],
      [
        /certificate/i,
        (path) => ({ cert: join(path, 'config.yaml'), key: join(path, 'tls', 'edge-key.pem') }),
      ],
      [/key/i, () => ({ cert: pair.cert, key: other.key })],
    ]
    for (const [words, certificateOf] of cases) {
      await using folder = await folderWith((config, path) => ({
        ...config,
        certificates: [certificateOf(path)],
      }))
      const { code, text } = await validate(folder)
      assert.notEqual(code, 0)
      assert.match(text, words)
      assert.doesNotMatch(text, /BEGIN (EC )?PRIVATE KEY/)
    }
  })

  it('never prints a secret', async () => {
    await using folder = await folderWith((config) => ({
      ...config,
      shared_secret: 'c2VjcmV0LW9mLXRlc3Rz',
      unknown: 1,
    }))
    const { text } = await validate(folder)
    assert.doesNotMatch(text, /c2VjcmV0LW9mLXRlc3Rz|secret of the tests/)
  })

  it('says what is wrong when the file is missing or no YAML', async () => {
    const missing = await sallyportCli(['validate', '--config', '/nowhere/config.yaml'])
    assert.notEqual(missing.code, 0)
    assert.match(missing.stdout + missing.stderr, /nowhere\/config\.yaml/)
    await using folder = await folderWith(() => 'routes: [\n  {')
    const { code, text } = await validate(folder)
    assert.notEqual(code, 0)
    assert.match(text, /config\.yaml:\d+:\d+/)
  })
})

describe('sallyport serve', () => {
  it('starts nothing on a bad configuration', async () => {
    await using folder = await folderWith((config) => ({ ...config, nonsense: true }))
    const { code, text } = await serve(folder)
    assert.notEqual(code, 0)
    assert.match(text, /nonsense/)
  })

  it('says which port is taken, and by which key it was asked for', async () => {
    await using folder = await folderWith((config) => config)
    const squatter = createServer().listen(folder.port, '127.0.0.1')
    try {
      const { code, text } = await serve(folder)
      assert.notEqual(code, 0)
      assert.match(text, new RegExp(String(folder.port)))
      assert.match(text, /address/)
    } finally {
      squatter.close()
    }
  })

  it('says how to get an Envoy when the named one does not exist or does not run', async () => {
    await using folder = await folderWith((config) => config)
    for (const path of ['/nowhere/envoy', process.execPath]) {
      const { code, text } = await serve(folder, { ENVOY_PATH: path })
      assert.notEqual(code, 0)
      assert.match(text, /ENVOY_PATH/)
    }
  })

  it('has no stack trace for any of these', async () => {
    await using folder = await folderWith((config) => ({ ...config, nonsense: true }))
    const { text } = await serve(folder)
    assert.doesNotMatch(text, /\n\s+at .*\.ts:\d+/)
  })
})

describe('the command line', () => {
  it('refuses a wrong word and points to the list of commands', async () => {
    const wrong = await sallyportCli(['frobnicate'])
    assert.notEqual(wrong.code, 0)
    assert.match(wrong.stderr, /frobnicate.*--help/)
    const { code, stdout } = await sallyportCli(['--help'])
    assert.equal(code, 0)
    for (const command of ['serve', 'validate', 'init']) assert.match(stdout, new RegExp(command))
  })
})
