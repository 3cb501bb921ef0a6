/**
 * Words that every object answers to, wherever an operator may write a word: none of them is known to a
 * table.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCommandLine } from '../cli/command-line.ts'
import { COMMANDS } from '../cli/commands.ts'
import { readYaml } from './file/yaml-file.ts'
import { parseConfig } from './parse.ts'

const WORDS = Object.getOwnPropertyNames(Object.prototype)

/** Each is a mistake, whatever the word. */
const PLACES: Readonly<Record<string, (word: string) => string>> = {
  'a value of a list of choices': (word) => `codec_type: ${word}`,
  'a kind of provider': (word) => `idp_provider: ${word}`,
  'a provider of a list': (word) =>
    `sign_in_providers: {a: {provider: ${word}, client_id: a, client_secret: b}}`,
  'a key of the file': (word) => `${word}: 1`,
  'a flag': (word) => `runtime_flags: {${word}: true}`,
  'a key of a route': (word) => `routes: [{from: 'https://a', to: 'http://b', ${word}: 1}]`,
  'a scheme of from': (word) => `routes: [{from: '${word}://a', to: 'http://b'}]`,
  'a scheme of to': (word) => `routes: [{from: 'https://a', to: '${word}://b'}]`,
  'a field of the log': (word) => `access_log_fields: [${word}]`,
  'a field of the decision log': (word) => `authorize_log_fields: [${word}]`,
  'a level of the log': (word) => `log_level: ${word}`,
  'a unit of time': (word) => `timeout_read: 1${word}`,
  'a named policy': (word) =>
    `policies: {${word}: {${word}: 1}}\nroutes: [{from: 'https://a', to: 'http://b'}]`,
}

function messagesOf(text: string): readonly string[] {
  const parsed = parseConfig(text)
  return 'problems' in parsed ? parsed.problems.map(({ message }) => message) : []
}

describe('a word that every object answers to', () => {
  for (const [place, write] of Object.entries(PLACES))
    it(`is not known as ${place}`, () => {
      for (const word of WORDS) {
        const messages = messagesOf(write(word))
        assert.notDeepEqual(messages, [], word)
        for (const message of messages) assert.doesNotMatch(message, /undefined|\[native code|\[object/, word)
      }
    })

  it('is a name like any other, except for the one that maps lose', () => {
    for (const word of WORDS)
      assert.deepEqual(
        messagesOf(`set_response_headers: {${word}: x}`),
        word === '__proto__' ? ['no key may be called "__proto__"; choose another name'] : [],
        word,
      )
    assert.deepEqual(
      readYaml('a: 1\nb: {c: [{__proto__: 1}]}').mistakes.map(({ line, column }) => [line, column]),
      [[2, 10]],
    )
  })

  it('is no command, and no action of one', () => {
    for (const word of WORDS) {
      assert.throws(
        () => readCommandLine(['service-account', word, 'a'], COMMANDS, {}),
        /service-account takes/,
      )
      assert.throws(() => readCommandLine([word], COMMANDS, {}), /unknown command/)
      assert.throws(() => readCommandLine(['help', word], COMMANDS, {}), /unknown command/)
    }
  })
})
