import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { validate } from './validate.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-validate-'))
})
after(() => rm(folder, { recursive: true }))

async function validated(text: string, env: Readonly<Record<string, string>> = {}) {
  const file = join(folder, 'config.yaml')
  await writeFile(file, text)
  let said = ''
  const code = validate(file, env, { write: (part) => (said += part) })
  return { code, said: said.replaceAll(`${folder}/`, '') }
}

describe('sallyport validate', () => {
  it('is content with a good file, and says so', async () => {
    const { code, said } = await validated(
      'routes:\n  - from: https://a.example.com\n    to: http://a\n    policy: [{allow: {and: [{domain: {is: example.com}}]}}]\n',
    )
    assert.equal(code, 0)
    assert.equal(said, 'config.yaml: no mistakes; 1 route\n')
  })

  it('reports mistakes of keys, of references and of policies in one go', async () => {
    const { code, said } = await validated(`shared_secret: env:NOPE
routes:
  - from: https://a.example.com
    to: http://a
    policy:
      - allow:
          and:
            - emial: {is: alice@example.com}
    tiemout: 3s
`)
    assert.equal(code, 1)
    const lines = said.split('\n')
    assert.equal(lines[0], 'config.yaml:1:16: shared_secret: the environment variable NOPE is not set')
    assert.match(lines[1] ?? '', /^config\.yaml:8:\d+: routes\[0\]\.policy\[0\]\.allow\.and\[0\].*email/)
    assert.equal(lines[2], 'config.yaml:9:5: routes[0].tiemout: is not a known key; did you mean "timeout"?')
    assert.equal(lines[3], '3 mistakes')
  })

  it('reads secrets from the environment it is given', async () => {
    const secret = Buffer.alloc(32).toString('base64')
    assert.equal((await validated('shared_secret: env:S\n', { S: secret })).code, 0)
  })

  it('says of a file that is not there that it is not there', () => {
    let said = ''
    assert.equal(validate(join(folder, 'nope.yaml'), {}, { write: (part) => (said += part) }), 1)
    assert.match(said, /nope\.yaml:1:1: cannot read the configuration: there is no such file\n1 mistake\n$/)
  })

  it('does not pass control characters of a file on to the terminal', async () => {
    const { said } = await validated('"\\e[31mred\\e[0m": 1\n')
    assert.ok(!said.includes('\u001b'), JSON.stringify(said))
  })
})
