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

async function validated(
  text: string,
  env: Readonly<Record<string, string>> = {},
  options: { readonly withoutSecrets?: boolean } = {},
) {
  const file = join(folder, 'config.yaml')
  await writeFile(file, text)
  let said = ''
  const code = validate(file, env, { write: (part) => (said += part) }, options)
  return { code, said: said.replaceAll(`${folder}/`, '') }
}

const denying = (name: string) => `  - from: https://${name}.example.com
    to: http://a
    allow_any_authenticated_user: true
    policies: [shared]
    policy:
      - deny: { or: [{ claim/level: { exclude: secret } }, { groups: guests }] }
      - deny: { not: [{ claim/level: open }], and: [{ user: x }] }
      - { deny: { or: [{ domain: example.com }] }, mode: observe }
`

const oneRoute = (keys: string) => `routes:\n  - from: https://a.example.com\n    to: http://a\n${keys}`

const warned = async (keys = '') => (await validated(oneRoute(keys))).said

describe('sallyport validate', () => {
  it('tells one slip once', async () => {
    const tabs = await validated('routes:\n\t- from: https://a.example.com\n\t  to: http://a\n')
    assert.equal(
      tabs.said,
      'config.yaml:2:1: is not valid YAML: tabs are not allowed as indentation\n1 mistake\n',
    )
    const half = 'authenticate_service_url: https://sso.example.com\nidp_provider: oidc\nidp_client_id: x\n'
    const { said } = await validated(half + oneRoute('    allow_any_authenticated_user: true\n'))
    assert.match(said, /needs `idp_client_secret` beside it/)
    assert.doesNotMatch(said, /is not set/)
    const port = await validated(oneRoute('').replace('http://a\n', 'http://h:300000\n'))
    assert.match(port.said, /port 300000 is not between 1 and 65535/)
  })

  it('does without the real secrets where it is told to, and misses nothing else', async () => {
    const text = [
      'authenticate_service_url: https://sso.example.com',
      'idp_provider: oidc',
      'idp_provider_url: https://idp.example.com',
      'idp_client_id: x',
      'idp_client_secret: env:IDP_SECRET',
      'shared_secret: env:SHARED',
      'signing_key_file: /nowhere/signing.pem',
      'certificates: [{ cert: /nowhere/a.crt, key: /nowhere/a.key }]',
      'routes:',
      '  - { from: https://a.example.com, to: http://a, allow_any_authenticated_user: true }',
      '',
    ].join('\n')
    const strict = await validated(text)
    assert.match(strict.said, /IDP_SECRET is not set[^]*5 mistakes/)
    const lenient = await validated(text, {}, { withoutSecrets: true })
    assert.deepEqual([lenient.code, lenient.said], [0, 'config.yaml: no mistakes; 1 route\n'])
    const wrong = await validated(`${text}nonsense: 1\n`, {}, { withoutSecrets: true })
    assert.match(wrong.said, /nonsense[^]*1 mistake\n/)
    const short = await validated(text, { SHARED: 'short' }, { withoutSecrets: true })
    assert.match(short.said, /shared_secret: must be 32 bytes/)
  })

  it('warns of a route that nobody may open', async () => {
    assert.match(
      await warned(),
      /^config\.yaml:2:5: warning: nobody gets in, because no rule allows anybody: add/,
    )
    assert.match(
      await warned('    policy: [{ deny: { or: [{ source_ip: 10.0.0.0/8 }] } }]\n'),
      /warning: nobody gets in/,
    )
    assert.match(
      await warned('    policy: [{ allow: { or: [{ source_ip: 10.0.0.0/8 }] }, mode: observe }]\n'),
      /warning: nobody gets in/,
    )
    assert.doesNotMatch(await warned('    allow_public_unauthenticated_access: true\n'), /nobody/)
  })

  it('is content with a good file, and says so', async () => {
    const { code, said } = await validated(
      'routes:\n  - from: https://a.example.com\n    to: http://a\n    policy: [{allow: {and: [{source_ip: 10.0.0.0/8}]}}]\n',
    )
    assert.equal(said, 'config.yaml: no mistakes; 1 route\n')
    assert.equal(code, 0)
  })

  it('reads directory files too', async () => {
    const config = 'directory:\n  - { name: people, type: file, path: people.yaml }\nroutes: []\n'
    await writeFile(join(folder, 'people.yaml'), 'users: [{ name: x }]\n')
    assert.deepEqual(await validated(config), {
      code: 1,
      said: 'people.yaml:1:9: needs an `email` or an `id`\n1 mistake in directory files, whose groups would be unknown\n',
    })
    await writeFile(join(folder, 'people.yaml'), 'users: [{ id: x }]\n')
    assert.equal((await validated(config)).code, 0)
  })

  it('warns of deny rules that depend on what a provider may leave out', async () => {
    const people = `authenticate_service_url: https://auth.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: x
idp_client_secret: y
policies:
  shared: { policy: { deny: { or: [{ email: eve@example.com }] } } }
routes:
`
    const { code, said } = await validated(people + denying('a') + denying('b'))
    assert.equal(code, 0)
    const lines = said.trimEnd().split('\n')
    assert.match(lines.at(-1) ?? '', /: no mistakes, 7 warnings; 2 routes$/)
    assert.match(
      said,
      /^config\.yaml:7:\d+: warning: email: people without a verified e-mail address are denied/m,
    )
    assert.match(
      said,
      /:14:\d+: warning: claim\/level: people of whom the identity provider sends no claim "level" are denied/,
    )
    assert.match(
      said,
      /:14:\d+: warning: groups: people of whom the identity provider sends no groups are not denied/,
    )
    assert.match(said, /:15:\d+: warning: claim\/level: .* are denied by this rule/)
  })

  it('does not let a policy ask who somebody is where nobody can sign in', async () => {
    const { code, said } = await validated(
      'routes:\n  - from: https://a.example.com\n    to: http://a\n    policy: [{allow: {and: [{domain: {is: example.com}}]}}]\n',
    )
    assert.equal(code, 1)
    assert.equal(
      said,
      'config.yaml:2:5: routes[0]: needs people to sign in, and `authenticate_service_url` and `idp_provider` are not set\n1 mistake\n',
    )
  })

  it('sees what `init` left to fill in, in a file of secrets too', async () => {
    const { said } = await validated(`authenticate_service_url: https://auth.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: FILL-IN
idp_client_secret: FILL-IN
routes: []
`)
    assert.match(said, /^config\.yaml:4:1: idp_client_id: is still the placeholder/m)
    assert.match(said, /^config\.yaml:5:1: idp_client_secret: is still the placeholder/m)
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
    assert.equal((await validated('shared_secret: env:S\nroutes: []\n', { S: secret })).code, 0)
  })

  it('says of a file that is not there that it is not there', () => {
    let said = ''
    assert.equal(validate(join(folder, 'nope.yaml'), {}, { write: (part) => (said += part) }), 1)
    assert.match(said, /nope\.yaml: cannot read the configuration: there is no such file\n$/)
  })

  it('does not pass control characters of a file on to the terminal', async () => {
    const { said } = await validated('"\\e[31mred\\e[0m": 1\n')
    assert.ok(!said.includes('\u001b'), JSON.stringify(said))
  })
})
