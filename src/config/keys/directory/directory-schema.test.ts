import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfig } from '../../parse.ts'
import { formatProblem } from '../../problem.ts'

const ENV = { SCIM_TOKEN: 'planted-scim-token' }

function problemsOf(directory: string): readonly string[] {
  const parsed = parseConfig(`directory:\n${directory}\nroutes: []\n`, { file: 'c.yaml', env: ENV })
  return 'problems' in parsed ? parsed.problems.map(formatProblem) : []
}

describe('sources of `directory`', () => {
  it('are read with their defaults, and their secrets as secrets', () => {
    const parsed = parseConfig(
      'directory:\n  - { name: people, type: file, path: p.csv }\n  - { name: pushed, type: scim, token: env:SCIM_TOKEN }\n',
      { env: ENV },
    )
    assert.ok('config' in parsed)
    const [file, scim] = parsed.config.settings.directory
    assert.deepEqual(
      { ...file },
      { name: 'people', type: 'file', path: 'p.csv', match_by: 'email', group_names: true },
    )
    assert.ok(scim?.type === 'scim')
    assert.equal(scim.token.reveal(), ENV.SCIM_TOKEN)
    assert.doesNotMatch(JSON.stringify(parsed.config), /planted/)
    assert.equal(parsed.config.settings.groups_from_claims, true)
  })

  it('that are wrong are named with what to write', () => {
    assert.deepEqual(problemsOf('  - { name: a, type: ldap }'), [
      'c.yaml:2:22: directory[0].type: needs a `type`: file, scim, azure, google, okta, gitlab or github',
    ])
    assert.deepEqual(problemsOf('  - { name: a, type: file, path: p.txt }'), [
      'c.yaml:2:28: directory[0].path: does not end in .yaml, .json or .csv; say which with `format`',
    ])
    assert.deepEqual(problemsOf('  - { name: a, type: file, paht: p.yaml }'), [
      'c.yaml:2:5: directory[0].path: is missing',
      'c.yaml:2:28: directory[0].paht: is not a known key; did you mean "path"?',
    ])
    assert.deepEqual(problemsOf('  - { name: A B, type: file, path: p.yaml, match_by: phone }'), [
      'c.yaml:2:13: directory[0].name: must be of a-z, 0-9, "-" and "_", and begin with a letter or digit',
      'c.yaml:2:54: directory[0].match_by: must be email, user_id or claim/<name of a claim>',
    ])
  })

  it('that are asked over the network have their defaults, and addresses that a token may be sent to', () => {
    const parsed = parseConfig(
      'directory:\n  - { name: o, type: okta, url: "https://example.okta.com", token: env:SCIM_TOKEN }\n',
      { env: ENV },
    )
    assert.ok('config' in parsed)
    const [okta] = parsed.config.settings.directory
    assert.ok(okta?.type === 'okta')
    assert.deepEqual([okta.poll_interval, okta.max_age, okta.match_by], [600_000, 86_400_000, 'user_id'])
    assert.equal(okta.token.reveal(), ENV.SCIM_TOKEN)
    assert.deepEqual(
      problemsOf(
        '  - { name: o, type: okta, url: "http://okta.example.com", token: planted, poll_interval: 5s }\n  - { name: h, type: github, organizations: ["../x"] }\n  - { name: g, type: google, subject: admin }\n  - { name: z, type: azure, directory_id: a/b, client_id: x, client_secret: planted }',
      ),
      [
        'c.yaml:2:33: directory[0].url: must be an https URL; plain http is for this machine only',
        'c.yaml:2:91: directory[0].poll_interval: must be at least 30s',
        'c.yaml:3:46: directory[1].organizations[0]: is not a name of an organization',
        'c.yaml:4:39: directory[2].subject: has a form that is not allowed',
        'c.yaml:5:43: directory[3].directory_id: must be the id or a domain of the tenant',
      ],
    )
    assert.deepEqual(problemsOf('  - { name: h, type: github, organizations: [corp] }'), [
      'c.yaml:2:16: directory[0].type: needs `token` or `token_file` beside it',
    ])
  })

  it('are for a sign-in provider that there is', () => {
    const [problem = ''] = problemsOf('  - { name: a, type: file, path: p.yaml, provider: defualt }')
    assert.match(problem, /^c\.yaml:2:\d+: directory\[0\]\.provider: "defualt" is no identity provider/)
  })

  it('have names and tokens of their own, which can not be guessed', () => {
    assert.deepEqual(
      problemsOf(
        '  - { name: a, type: scim, token: planted-token-of-both }\n  - { name: b, type: scim, token: planted-token-of-both }\n  - { name: a, type: scim, token: short }\n  - { name: c, type: scim }',
      ),
      [
        'c.yaml:3:35: directory[1].token: is the token of the source "a" too',
        'c.yaml:4:7: directory[2].name: is also the name of directory[0]',
        'c.yaml:4:35: directory[2].token: must have at least 16 characters, and no white space',
        'c.yaml:5:16: directory[3].type: needs `token` or `token_file` beside it',
      ],
    )
  })
})
