import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { COMMANDS } from './commands.ts'

function sallyport(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'sallyport.ts'), ...args],
    { encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

describe('the help of a command', () => {
  for (const [name, { options, examples }] of Object.entries(COMMANDS))
    it(`has its options and its examples: ${name}`, () => {
      const { status, stdout } = sallyport(name, '--help')
      assert.equal(status, 0)
      assert.ok(stdout.includes(`Usage: sallyport ${name}`))
      for (const option of Object.keys(options)) assert.ok(stdout.includes(`--${option}`), option)
      for (const [line] of examples) assert.ok(stdout.includes(line), line)
      assert.equal(sallyport('help', name).stdout, stdout)
    })
})

it('the script in the root runs the Node of the project, from anywhere and by a link', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-link-'))
  try {
    symlinkSync(join(import.meta.dirname, '..', '..', 'sallyport'), join(folder, 'sp'))
    const { status, stdout } = spawnSync(join(folder, 'sp'), ['version'], {
      encoding: 'utf8',
      cwd: folder,
      env: { PATH: '/usr/bin:/bin' },
    })
    assert.equal(status, 0)
    assert.match(stdout, /^sallyport \d/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe('the command line', () => {
  for (const args of [['--help'], ['help'], []]) {
    it(`explains itself for ${JSON.stringify(args)}`, () => {
      const { status, stdout } = sallyport(...args)
      assert.equal(status, 0)
      assert.match(stdout, /^Usage: /m)
    })
  }

  for (const args of [['--version'], ['version']]) {
    it(`tells its version for ${args.join()}`, () => {
      assert.match(sallyport(...args).stdout, /^sallyport \d+\.\d+\.\d+\n$/)
    })
  }

  const MISUSES: readonly (readonly [args: readonly string[], message: string])[] = [
    [['foo'], 'unknown command "foo"; see sallyport --help'],
    [['serve', '--envoy', 'foo'], '--envoy takes managed or external, not "foo"'],
    [['serve', 'my.yaml'], 'serve does not take "my.yaml"; name a configuration file with --config my.yaml'],
    [['serve', '--domain', 'x'], 'serve has no --domain; see sallyport --help'],
    [['valdiate'], 'unknown command "valdiate"; did you mean "validate"?'],
    [['help', 'valdiate'], 'unknown command "valdiate"; did you mean "validate"?'],
    [['serve', '--confg', 'x'], `Unknown option '--confg'; did you mean "--config"?`],
    [['completion', 'tcsh'], 'completion takes bash, zsh or fish, not "tcsh"'],
    [['serve', '--bogus'], "Unknown option '--bogus'; see sallyport --help"],
    [['validate', 'a', 'b'], 'validate does not take "b"; see sallyport --help'],
    [['init'], 'init needs your domain: sallyport init DIR --domain example.com'],
  ]
  for (const [args, message] of MISUSES) {
    it(`refuses ${args.join(' ')}, and starts nothing`, () => {
      assert.deepEqual(sallyport(...args), { status: 2, stdout: '', stderr: `sallyport: ${message}\n` })
    })
  }
})
