import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../errors.ts'
import { readCommandLine } from './command-line.ts'
import { COMMANDS } from './commands.ts'

const read = (args: readonly string[], env = {}) => readCommandLine(args, COMMANDS, env)

const usage = (message: string) => (error: unknown) =>
  error instanceof Fault && error.code === 'USAGE' && error.message === message

function valuesOf(args: readonly string[], env = {}): Readonly<Record<string, unknown>> {
  const asked = read(args, env)
  assert.ok('command' in asked)
  return { ...asked.values }
}

/** A word with a slip in it. */
const slipOf = (word: string): string => `${word.slice(0, -1)}x${word.slice(-1)}`

/** A word for each name of a command that must be chosen. */
const namesOf = (name: string): readonly string[] =>
  (COMMANDS[name]?.names ?? []).flatMap(({ choices = [] }) => choices.slice(0, 1))

describe('values of choice', () => {
  let count = 0
  for (const [name, { options, names }] of Object.entries(COMMANDS)) {
    for (const [option, { choices, isList }] of Object.entries(options)) {
      if (choices === undefined) continue
      it(`are refused when there are none such, with those that there are: ${name} --${option}`, () => {
        for (const choice of choices) {
          const line = (value: string) => [name, ...namesOf(name), `--${option}`, value]
          assert.deepEqual(valuesOf(line(choice))[option], isList === true ? [choice] : choice)
          for (const word of ['', 'qqqqqq', 'toString', slipOf(choice), choice.toUpperCase()])
            assert.throws(
              () => read(line(word)),
              (error) =>
                error instanceof Fault &&
                error.message.startsWith(`--${option} takes ${choices.slice(0, -1).join(', ')} or `) &&
                error.message.includes(`, not "${word}"`),
            )
          assert.throws(() => read(line(slipOf(choice))), new RegExp(`did you mean "${choice}"\\?$`))
        }
      })
      count++
    }
    for (const [at, { choices, orAddress = false }] of names.entries()) {
      if (choices === undefined) continue
      it(`are refused in the place of a name as well, and must be there: ${name}`, () => {
        assert.equal(at, 0)
        if (orAddress) {
          assert.ok('command' in read([name]))
          assert.ok('command' in read([name, 'https://app.example.com']))
        } else assert.throws(() => read([name]), new RegExp(`^Fault: ${name} takes .*${choices.at(-1)}$`))
        for (const choice of choices)
          assert.throws(() => read([name, slipOf(choice)]), new RegExp(`did you mean "${choice}"\\?$`))
      })
      count++
    }
  }
  it('are found in the table', () => assert.ok(count >= 6, String(count)))

  it('may be several, where the table says so', () => {
    assert.deepEqual(valuesOf(['diff', 'new.yaml', '--fail-on', 'gain, lose'])['fail-on'], ['gain', 'lose'])
    assert.throws(
      () => read(['diff', 'new.yaml', '--fail-on', 'gain,loose']),
      usage('--fail-on takes lose, gain, unknown, observed or other, not "loose"; did you mean "lose"?'),
    )
  })

  it('may be said by an environment variable, which an option goes before, and which is no freer', () => {
    const env = { SALLYPORT_ENVOY: 'external' }
    assert.equal(valuesOf(['serve'], env)['envoy'], 'external')
    assert.equal(valuesOf(['serve', '--envoy', 'managed'], env)['envoy'], 'managed')
    assert.equal(valuesOf(['serve'])['envoy'], undefined)
    assert.throws(
      () => read(['serve'], { SALLYPORT_ENVOY: 'extern' }),
      usage('SALLYPORT_ENVOY takes managed or external, not "extern"; did you mean "external"?'),
    )
    assert.ok('command' in read(['validate'], { SALLYPORT_ENVOY: 'extern' }), 'which does not take it')
  })
})
