import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { COMMANDS } from './commands.ts'
import { completionFor, SHELLS } from './completion.ts'

const script = completionFor('bash', COMMANDS)

/** What bash offers for the last of the words. */
function offered(...words: readonly string[]): readonly string[] {
  const line = [
    `COMP_WORDS=("$@")`,
    'COMP_CWORD=$(( $# - 1 ))',
    '_sallyport',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ]
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['--norc', '-c', `${script}\n${line.join('\n')}`, 'bash', 'sallyport', ...words],
    { encoding: 'utf8', cwd: import.meta.dirname },
  )
  assert.deepEqual([status, stderr], [0, ''])
  return stdout.split('\n').filter((word) => word !== '')
}

describe('completion in bash', () => {
  it('offers every command', () => {
    assert.deepEqual(offered('').toSorted(), ['--help', '--version', ...Object.keys(COMMANDS)].toSorted())
    assert.deepEqual(offered('se'), ['serve', 'service-account', 'session'])
  })

  it('offers every option of a command, and none of another', () => {
    for (const [name, { options }] of Object.entries(COMMANDS))
      assert.deepEqual(
        offered(name, '--').toSorted(),
        ['--help', ...Object.keys(options).map((option) => `--${option}`)].toSorted(),
        name,
      )
  })

  it('offers the values that there are, files where a file is meant, and nothing for a text', () => {
    assert.deepEqual(offered('diff', '--format', ''), ['text', 'markdown'])
    assert.deepEqual(offered('service-account', 'cr'), ['create'])
    assert.deepEqual(offered('validate', '--config', 'completion.'), ['completion.test.ts', 'completion.ts'])
    assert.deepEqual(offered('validate', '-c', 'completion.te'), ['completion.test.ts'])
    assert.deepEqual(offered('explain', '--email', ''), [])
  })
})

describe('completion in other shells', () => {
  for (const shell of SHELLS)
    it(`names every command and option: ${shell}`, () => {
      const text = completionFor(shell, COMMANDS)
      for (const [name, { options }] of Object.entries(COMMANDS)) {
        assert.ok(text.includes(name), name)
        for (const option of Object.keys(options))
          assert.ok(text.includes(shell === 'fish' ? `-l ${option}` : `--${option}`), `${name} --${option}`)
      }
      const { status, stderr, error } = spawnSync(shell, ['-n'], { input: text, encoding: 'utf8' })
      // Where that shell is not installed there is nobody to read it.
      if (error === undefined) assert.deepEqual([status, stderr], [0, ''])
    })
})
