import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'

function sallyport(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'sallyport.ts'), ...args],
    { encoding: 'utf8' },
  )
  return { status, stdout, stderr }
}

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
    [['serve', '--envoy', 'foo'], '--envoy is "managed" or "external", not "foo"'],
    [['serve', 'my.yaml'], 'serve does not take "my.yaml"; name a configuration file with --config my.yaml'],
    [['serve', '--domain', 'x'], 'serve has no --domain; see sallyport --help'],
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
