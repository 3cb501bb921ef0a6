import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { parse } from 'yaml'
import { bootstrapFor, SHIPPED_RUN_DIRECTORY } from '../../envoy/bootstrap.ts'
import { PLACEHOLDER } from './init/config-yaml.ts'
import { init } from './init.ts'
import { validate } from './validate.ts'

const root = mkdtempSync(join(tmpdir(), 'sallyport-init-'))
after(() => rmSync(root, { recursive: true, force: true }))

let directory = ''
let said = ''
const out = { write: (text: string) => (said += text) }
beforeEach(() => {
  directory = join(mkdtempSync(join(root, 'case-')), 'proxy')
  said = ''
})
const read = (path: string): string => readFileSync(join(directory, path), 'utf8')

/** What an operator does after `init`. */
function fillIn(): void {
  const config = read('config.yaml')
    .replace(`idp_provider_url: ${PLACEHOLDER}`, 'idp_provider_url: https://id.example.com')
    .replace(`idp_client_id: ${PLACEHOLDER}`, 'idp_client_id: sallyport')
  writeFileSync(join(directory, 'config.yaml'), config)
  writeFileSync(join(directory, 'secrets/idp_client_secret'), 'from-the-provider\n')
}

describe('sallyport init', () => {
  it('writes a configuration that is valid once the placeholders are filled in', async () => {
    assert.equal(await init({ directory, domain: 'example.com' }, out), 0)
    const file = join(directory, 'config.yaml')
    const before = { write: (text: string) => (said += text) }
    assert.equal(validate(file, {}, before), 1)
    assert.match(said, /idp_provider_url/)
    fillIn()
    said = ''
    assert.equal(validate(file, {}, out), 0, said)
  })

  it('says so where no folder can be made, and does not try for ever', {
    skip: !existsSync('/proc/self'),
  }, async () => {
    await assert.rejects(
      init({ directory: '/proc/x/y', domain: 'example.com' }, out),
      /\/proc\/x: can't be made/,
    )
  })

  it('tells the redirect URI to register', async () => {
    await init({ directory, domain: 'Example.COM.' }, out)
    assert.match(said, /^\s+https:\/\/authenticate\.example\.com\/oauth2\/callback$/m)
    const config = parse(read('config.yaml')) as Record<string, unknown>
    assert.equal(config['authenticate_service_url'], 'https://authenticate.example.com')
  })

  it('makes secrets of its own, 32 bytes each, that only their owner may read', async () => {
    await init({ directory, domain: 'example.com' }, out)
    const secrets = ['shared_secret', 'cookie_secret'].map((name) => read(`secrets/${name}`).trim())
    assert.equal(new Set(secrets).size, 2)
    for (const secret of secrets) assert.equal(Buffer.from(secret, 'base64').length, 32)
    for (const name of readdirSync(join(directory, 'secrets')))
      assert.equal(statSync(join(directory, 'secrets', name)).mode & 0o777, 0o600, name)
    assert.equal(statSync(join(directory, 'secrets')).mode & 0o777, 0o700)
    const visible = ['config.yaml', 'docker-compose.yml', 'bootstrap.yaml', '.env'].map(read).join('\n')
    for (const secret of secrets) assert.ok(!visible.includes(secret))
  })

  it('writes a bootstrap for the folder of sockets that the compose file shares', async () => {
    await init({ directory, domain: 'example.com' }, out)
    const expected = bootstrapFor({ runDirectory: SHIPPED_RUN_DIRECTORY, nodeId: 'example.com' })
    assert.deepEqual(parse(read('bootstrap.yaml')), expected)
    const compose = parse(read('docker-compose.yml'), { merge: true }) as {
      services: Record<string, { user: string; volumes?: string[] }>
    }
    for (const name of ['envoy', 'sallyport'])
      assert.ok(compose.services[name]?.volumes?.includes(`run:${SHIPPED_RUN_DIRECTORY}`), name)
    // One user: the sockets are open to their owner alone.
    assert.equal(compose.services['envoy']?.user, compose.services['sallyport']?.user)
  })

  it('lets the containers run as whoever made the folder', async () => {
    const user = { uid: process.getuid?.() || 1234, gid: 1234 }
    await init({ directory, domain: 'example.com', user }, out)
    assert.match(read('.env'), new RegExp(`^SALLYPORT_UID=${user.uid}$`, 'm'))
  })

  it('gives no container to root when root makes the folder', {
    skip: process.getuid?.() !== 0,
  }, async () => {
    await init({ directory, domain: 'example.com' }, out)
    assert.match(read('.env'), /^SALLYPORT_UID=65532$/m)
    assert.equal(statSync(join(directory, 'secrets/shared_secret')).uid, 65532)
    assert.equal(statSync(join(directory, 'state')).uid, 65532)
    assert.equal(statSync(directory).mode & 0o005, 0o005, 'the containers may enter the folder')
  })

  it('overwrites nothing, and writes nothing beside what is there', async () => {
    await init({ directory, domain: 'example.com' }, out)
    rmSync(join(directory, 'config.yaml'))
    const before = read('secrets/shared_secret')
    await assert.rejects(init({ directory, domain: 'example.org' }, out), {
      code: 'USAGE',
      message: /already has docker-compose\.yml, .*secrets\/shared_secret.*nothing was written/,
    })
    assert.equal(read('secrets/shared_secret'), before)
    assert.ok(!existsSync(join(directory, 'config.yaml')))
  })

  for (const domain of [
    undefined,
    '',
    'localhost',
    'https://example.com',
    'a_b.example',
    '-a.example',
    '*.example.com',
    'example.com/x',
    '10.0.0.1',
  ])
    it(`refuses ${String(domain)} as a domain`, async () => {
      await assert.rejects(init({ directory, domain }, out), { code: 'USAGE' })
      assert.ok(!existsSync(directory))
    })
})
