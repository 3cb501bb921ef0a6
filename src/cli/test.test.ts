import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { test } from './test.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-test-'))
})
after(() => rm(folder, { recursive: true }))

async function tested(text: string, json = false) {
  const file = join(folder, 'config.yaml')
  await writeFile(file, text)
  let said = ''
  const code = test({ file, json }, {}, { write: (part) => (said += part) })
  return { code, said: said.replaceAll(`${folder}/`, '') }
}

const route = (tests: string) => `routes:
  - name: lan
    from: https://a.example.com
    to: http://a
    policy:
      - allow:
          and:
            - source_ip: 10.0.0.0/8
    tests:
${tests}`

describe('sallyport test', () => {
  it('shows what each test came to, and ends with 0 when all pass', async () => {
    const { code, said } = await tested(
      route(`      - { who: anonymous, ip: 10.0.0.1, expect: allow }
      - { name: from outside, who: anonymous, ip: 192.0.2.1, expect: deny }
`),
    )
    assert.equal(
      said,
      `ok  line 10  anonymous GET https://a.example.com/  allow (source-ip-ok)
ok  line 11  from outside                          deny (source-ip-unauthorized)

config.yaml: 2 tests passed
`,
    )
    assert.equal(code, 0)
  })

  it('shows each criterion with its line for a test that fails, and ends with 1', async () => {
    const { code, said } = await tested(
      route('      - { name: from outside, who: anonymous, ip: 192.0.2.1, expect: allow }\n'),
    )
    assert.equal(
      said,
      `FAIL  line 10  from outside  deny (source-ip-unauthorized), expected allow

config.yaml:10:9: from outside
  expected allow, but it is deny for anonymous because of source-ip-unauthorized
  line 8  allow  source_ip  miss  source-ip-unauthorized

config.yaml: 1 of 1 test failed
`,
    )
    assert.equal(code, 1)
  })

  it('says so where there are none', async () => {
    const { code, said } = await tested('routes: []\n')
    assert.match(said, /no tests; write some under `tests` of a route/)
    assert.equal(code, 0)
  })

  it('gives programs the same as JSON', async () => {
    const { said } = await tested(route('      - { who: anonymous, ip: 192.0.2.1, expect: allow }\n'), true)
    assert.deepEqual(JSON.parse(said), [
      {
        file: 'config.yaml',
        line: 10,
        column: 9,
        title: 'anonymous GET https://a.example.com/',
        request: 'anonymous GET https://a.example.com/',
        route: 'lan',
        expected: 'allow',
        actual: 'deny',
        reasons: ['source-ip-unauthorized'],
        passed: false,
        failure: 'expected allow, but it is deny for anonymous because of source-ip-unauthorized',
      },
    ])
  })

  it('does not let a file steer the terminal', async () => {
    const { said } = await tested(
      route('      - { name: "\\e[31mred\\nok", who: anonymous, ip: 10.0.0.1, expect: allow }\n'),
    )
    assert.match(said, /^ok {2}line 10 {2}red ok {2}allow/)
  })
})
