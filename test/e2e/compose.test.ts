/**
 * The set-up for containers: `sallyport init` writes one for one's own domain, and compose reads it as it is
 * meant.
 *
 * No engine is needed to read them; that the split itself works is proved in processes.test.ts.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { tempDir } from '../harness/ports.ts'
import { runToEnd } from '../harness/process.ts'
import { sallyportCli } from '../harness/sallyport.ts'

const found = await findPart('compose')
const ROOT = join(import.meta.dirname, '..', '..')

interface ComposeFile {
  readonly services: Readonly<
    Record<string, { readonly image?: string; readonly volumes?: readonly { readonly target: string }[] }>
  >
}

async function read(folder: string): Promise<ComposeFile> {
  const [command = '', ...words] = need(found).split(' ')
  const args = [...words, '--project-directory', folder, '-f', join(folder, 'docker-compose.yml'), 'config']
  const { code, stdout, stderr } = await runToEnd({ command, args, cwd: folder })
  assert.equal(code, 0, stderr)
  return parse(stdout) as ComposeFile
}

describe('docker-compose.yml', skipWithout(found), () => {
  it('of the repository is valid: the official Envoy, Sallyport and an app, with a shared folder of sockets', async () => {
    const { services } = await read(ROOT)
    const images = Object.values(services).map(({ image = '' }) => image)
    assert.ok(
      images.some((image) => /^envoyproxy\/envoy:v1\.\d+/.test(image)),
      images.join(),
    )
    assert.ok(Object.keys(services).length >= 3)
    const shared = Object.values(services).filter(({ volumes = [] }) =>
      volumes.some(({ target }) => target === '/run/sallyport'),
    )
    assert.equal(shared.length, 2, 'Envoy and Sallyport share /run/sallyport, nobody else')
  })

  it('of sallyport init is valid too', async () => {
    await using folder = await tempDir('init')
    const { code, stderr } = await sallyportCli([
      'init',
      join(folder.path, 'edge'),
      '--domain',
      'corp.example.com',
    ])
    assert.equal(code, 0, stderr)
    const { services } = await read(join(folder.path, 'edge'))
    assert.ok(Object.keys(services).length >= 2)
  })
})

describe('sallyport init', () => {
  it('writes a commented configuration for the domain, with secrets in files that are private', async () => {
    await using folder = await tempDir('init')
    const edge = join(folder.path, 'edge')
    await sallyportCli(['init', edge, '--domain', 'corp.example.com'])
    const config = await readFile(join(edge, 'config.yaml'), 'utf8')
    assert.match(config, /corp\.example\.com/)
    assert.match(config, /^\s*#/m)
    const secrets = await readdir(join(edge, 'secrets'))
    assert.ok(secrets.length >= 1)
    for (const name of secrets) {
      const file = join(edge, 'secrets', name)
      assert.equal((await stat(file)).mode & 0o077, 0, name)
      const secret = (await readFile(file, 'utf8')).trim()
      // the secret of the client is for the reader to fill in; ours are made
      if (name !== 'idp_client_secret') assert.ok(!config.includes(secret), `${name} is in config.yaml`)
    }
  })

  it('writes other secrets each time, and never over what is there', async () => {
    await using folder = await tempDir('init')
    const secretOf = async (name: string): Promise<string> =>
      await readFile(join(folder.path, name, 'secrets', 'shared_secret'), 'utf8')
    await sallyportCli(['init', join(folder.path, 'one'), '--domain', 'corp.example.com'])
    await sallyportCli(['init', join(folder.path, 'two'), '--domain', 'corp.example.com'])
    const first = await secretOf('one')
    assert.notEqual(first, await secretOf('two'))
    const again = await sallyportCli(['init', join(folder.path, 'one'), '--domain', 'corp.example.com'])
    assert.notEqual(again.code, 0)
    assert.equal(await secretOf('one'), first)
  })
})
