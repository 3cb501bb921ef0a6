import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { SHIPPED_RUN_DIRECTORY, SOCKETS } from '../envoy/bootstrap.ts'
import { readCommandLine } from '../src/cli/command-line.ts'
import { COMMANDS } from '../src/cli/commands.ts'
import { openConfig } from '../src/cli/open-config.ts'
import { openDatabase, SCHEMA_VERSION } from '../src/session/sqlite/sqlite-database.ts'
import { manualPage } from './manual-page.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-debian-'))
after(() => rmSync(folder, { recursive: true }))
const source = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', 'packaging', 'debian', name), 'utf8')

/** Values of a key in a unit. */
const valuesOf = (unit: string, key: string): string[] =>
  [...source(unit).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value)

describe('the units of the Debian package', () => {
  it('pass the sockets that Envoy asks at, under the names that Sallyport knows', () => {
    for (const name of ['xds', 'authz', 'supervise', 'http'] as const) {
      const unit = `sallyport-${name}.socket`
      assert.deepEqual(valuesOf(unit, 'ListenStream'), [join(SHIPPED_RUN_DIRECTORY, SOCKETS[name])])
      assert.deepEqual(valuesOf(unit, 'FileDescriptorName'), [name])
      assert.deepEqual(valuesOf(unit, 'SocketMode'), ['0660'])
      assert.deepEqual(valuesOf(unit, 'Service'), ['sallyport.service'])
      for (const service of ['sallyport.service', 'sallyport-envoy.service'])
        assert.ok(source(service).includes(unit), `${service} needs ${unit}`)
    }
  })

  it('have command lines that Sallyport takes', () => {
    for (const key of ['ExecStart', 'ExecStartPost', 'ExecReload']) {
      const [line = ''] = valuesOf('sallyport.service', key)
      const [program, ...argv] = line.split(' ')
      assert.equal(program, '/usr/bin/sallyport')
      assert.ok('command' in readCommandLine(argv, COMMANDS, {}), line)
    }
  })

  it('give Envoy one right, and Sallyport none', () => {
    const all = ['AmbientCapabilities', 'CapabilityBoundingSet'] as const
    for (const key of all) {
      assert.deepEqual(valuesOf('sallyport.service', key), [''])
      assert.deepEqual(valuesOf('sallyport-envoy.service', key), ['CAP_NET_BIND_SERVICE'])
    }
    // Node ends at its start with this.
    assert.deepEqual(valuesOf('sallyport.service', 'MemoryDenyWriteExecute'), [])
  })
})

describe('the scripts of the Debian package', () => {
  it('are shell', () => {
    for (const name of ['preinst', 'postinst', 'prerm', 'postrm']) {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: source(name), encoding: 'utf8' })
      assert.equal(status, 0, `${name}: ${stderr}`)
    }
  })

  it('refuse to go below the schema of the state, and leave it', () => {
    const file = join(folder, 'sallyport.db')
    openDatabase(file).close()
    const preinst = (schema: number) => {
      const script = source('preinst')
        .replace('@SCHEMA@', String(schema))
        .replace('/var/lib/sallyport/sallyport.db', file)
        .replaceAll(/\/(?:var\/lib\/dpkg|run)\//g, `${folder}/none/`)
      return spawnSync('sh', ['-s', 'upgrade', '9.0'], { input: script, encoding: 'utf8' })
    }
    const before = readFileSync(file)
    const older = preinst(SCHEMA_VERSION - 1)
    assert.equal(older.status, 1)
    assert.match(older.stderr, /which 9\.0 has\nwritten \(schema \d+, .*Nothing is changed/)
    assert.equal(preinst(SCHEMA_VERSION).status, 0)
    assert.ok(readFileSync(file).equals(before))
    writeFileSync(file, '')
    assert.equal(preinst(0).status, 0, 'an empty file is the state of nobody')
  })
})

describe('the configuration of the Debian package', () => {
  it('is refused as it is, and good once its lines count', () => {
    const file = join(folder, 'config.yaml')
    writeFileSync(file, source('config.yaml'))
    assert.throws(() => openConfig(file, {}), { code: 'CONFIG_INVALID' })
    const [, example = ''] = source('config.yaml').split('\n\n')
    writeFileSync(file, example.replaceAll(/^# ?/gm, ''))
    const { config } = openConfig(file, {}, { withoutSecrets: true })
    assert.equal(config.routes.length, 1)
  })
})

describe('the manual page', () => {
  it('has all commands and options, and no line that roff takes for a request', () => {
    const page = manualPage(COMMANDS, '1.2')
    for (const [name, { options }] of Object.entries(COMMANDS))
      for (const word of [name, ...Object.keys(options)])
        assert.ok(page.includes(word.replaceAll('-', '\\-')), word)
    for (const line of page.split('\n').filter((each) => each.startsWith('.')))
      assert.match(line, /^\.(?:TH|SH|SS|TP|PP|nf|fi|B|I|RI)\b/)
  })
})
