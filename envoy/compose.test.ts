import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { composeYaml } from '../src/cli/init/compose-yaml.ts'
import { init } from '../src/cli/init.ts'
import { validate } from '../src/cli/validate.ts'
import { version } from '../src/form/installation.ts'
import { ENVOY_VERSION } from './release.ts'

const ROOT = join(import.meta.dirname, '..')

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      user: z.string().optional(),
      volumes: z.array(z.string()).optional(),
      entrypoint: z.array(z.string()).optional(),
      read_only: z.boolean().optional(),
      cap_drop: z.array(z.string()).optional(),
      security_opt: z.array(z.string()).optional(),
      ports: z.array(z.string()).optional(),
    }),
  ),
  volumes: z.object({ run: z.object({ driver_opts: z.object({ type: z.string(), o: z.string() }) }) }),
})
type Compose = z.infer<typeof Compose>

const read = (text: string): Compose => Compose.parse(parse(text, { merge: true }))
const compose = read(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'))
const initiated = read(composeYaml('example.com'))
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')

/** `docker compose` or `docker-compose`, whichever is installed. */
const command = [['docker', 'compose'], ['docker-compose']].find(
  ([program = '', ...args]) => spawnSync(program, [...args, 'version']).status === 0,
)

function check(directory: string): void {
  const [program = '', ...args] = command ?? []
  execFileSync(program, [...args, 'config', '--quiet'], { cwd: directory, stdio: 'pipe' })
}

describe('docker-compose.yml', () => {
  it('runs the Envoy that is pinned and the version that this is', () => {
    assert.equal(compose.services['envoy']?.image, `envoyproxy/envoy:v${ENVOY_VERSION}`)
    assert.equal(compose.services['sallyport']?.image, `sallyport:${version()}`)
  })

  it('runs Envoy and Sallyport as one user, who is not root, on one folder of sockets', () => {
    const user = /^USER (\S+)$/m.exec(dockerfile)?.[1]
    assert.match(user ?? '', /^[1-9]\d*:[1-9]\d*$/)
    assert.equal(compose.services['envoy']?.user, user)
    assert.equal(compose.services['sallyport']?.user, undefined, 'the one of the image')
    for (const name of ['envoy', 'sallyport'])
      assert.ok(compose.services[name]?.volumes?.includes('run:/run/sallyport'), name)
  })

  for (const [whose, { services, volumes }] of Object.entries({
    'of the repository': compose,
    'of init': initiated,
  })) {
    it(`${whose} gives no container a capability, a way to get one, or a file system that can be written`, () => {
      for (const [name, service] of Object.entries(services))
        assert.deepEqual(
          [service.read_only, service.cap_drop, service.security_opt],
          [true, ['ALL'], ['no-new-privileges:true']],
          name,
        )
    })

    it(`${whose} has the sockets in memory, for one user alone`, () => {
      const { type, o } = volumes.run.driver_opts
      assert.equal(type, 'tmpfs')
      assert.match(o, /^uid=\S+,gid=\S+,mode=0700$/)
    })
  }

  it('shows the demo, which has no passwords, to this machine alone', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? [])
    assert.ok(ports.length >= 3)
    assert.deepEqual(
      ports.filter((port) => !port.startsWith('127.0.0.1:')),
      [],
    )
  })

  it('serves a configuration without mistakes', () => {
    let said = ''
    const file = join(ROOT, 'examples', 'compose', 'config.yaml')
    assert.equal(validate(file, {}, { write: (text) => (said += text) }), 0, said)
  })

  it('is accepted by docker compose', {
    skip: command === undefined && 'docker compose is not installed',
  }, () => {
    check(ROOT)
  })

  it('is accepted as sallyport init writes it', {
    skip: command === undefined && 'docker compose is not installed',
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-compose-'))
    try {
      await init({ directory, domain: 'example.com' }, { write: () => true })
      check(directory)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('Dockerfile', () => {
  it('names the version that this is, and ends in an image of nothing but what is copied', () => {
    assert.equal(/^ARG VERSION=(\S+)$/m.exec(dockerfile)?.[1], version())
    assert.equal([...dockerfile.matchAll(/^FROM (\S+)/gm)].at(-1)?.[1], 'scratch')
  })

  it('copies what is there and .dockerignore lets through', () => {
    const allowed = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    )
    assert.ok(copies.length > 5)
    for (const path of copies) {
      assert.ok(
        allowed.some((line) => line === `!${path}` || path.startsWith(`${line.slice(1)}/`)),
        path,
      )
      assert.ok(existsSync(join(ROOT, path)), path)
    }
  })
})
