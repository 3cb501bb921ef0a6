/**
 * What docs/client-certificates.md tells to type, typed.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parse } from 'yaml'
import { CHECKS_AND_TESTS } from '../../src/access/config-checks.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { runToEnd } from '../harness/process.ts'
import { type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'client-certificates.md'), 'utf8')
const blocks = (info: string): readonly string[] =>
  [...PAGE.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].flatMap(([, named, text = '']) =>
    named === info ? [text] : [],
  )

/** The output; rejects with it when a command fails. */
async function type(text: string, folder: string): Promise<string> {
  const { code, stdout, stderr } = await runToEnd({
    command: 'sh',
    args: ['-e', '-c', text],
    cwd: folder,
    env: { CURL_HOME: folder },
    withinMs: 20_000,
  })
  assert.equal(code, 0, `${text}\n${stdout}${stderr}`)
  return stdout
}

const [authority = '', certificate = '', list = '', hashes = ''] = blocks('sh')
const [curl = ''] = blocks('sh curl')
const [revoke = ''] = blocks('sh revoke')
const [settings = '', ...examples] = blocks('yaml client-certificates')

describe('docs/client-certificates.md', async () => {
  const stack: Stack = await startStack({
    settings: { ...(parse(settings) as Record<string, unknown>), certificates: undefined },
    beforeServe: async ({ folder }) => {
      for (const text of [authority, certificate, list]) await type(text, folder)
    },
    routes: ({ upstream }) => [
      {
        from: 'https://app.example.com',
        to: upstream.url,
        allow_public_unauthenticated_access: true,
      },
    ],
  })
  after(() => stack[Symbol.asyncDispose]())
  await writeFile(
    join(stack.folder, '.curlrc'),
    [
      'silent',
      'show-error',
      'fail',
      `connect-to = "app.example.com:443:127.0.0.1:${stack.edge.port}"`,
      `cacert = "${join(stack.folder, '.sallyport', 'ca', 'local-ca.pem')}"`,
    ].join('\n'),
  )

  it('makes an authority and a certificate that lets in', async () => {
    assert.match(await type(curl, stack.folder), /"url":"\/"/)
    await assert.rejects(type('curl https://app.example.com/', stack.folder), /error: 495/)
  })

  it('shows hashes in the forms that policies take', async () => {
    const [fingerprint = '', spki = ''] = (await type(hashes, stack.folder)).trim().split('\n')
    const routes = [
      {
        from: 'https://app.example.com',
        to: 'http://app',
        policy: {
          allow: {
            and: [{ client_certificate: { fingerprint: fingerprint.split('=')[1], spki_hash: spki } }],
          },
        },
      },
    ]
    const text = JSON.stringify({ ...(parse(settings) as object), routes })
    assert.deepEqual(problemsOf(text), [])
  })

  for (const [index, text] of examples.entries()) {
    it(`has a valid configuration in its example ${index + 1}`, () => {
      const signIn = {
        authenticate_service_url: 'https://authenticate.example.com',
        idp_provider: 'oidc',
        idp_provider_url: 'https://idp.example.com',
        idp_client_id: 'client',
        idp_client_secret: 'secret',
      }
      assert.deepEqual(problemsOf(JSON.stringify({ ...signIn, ...(parse(text) as object) })), [])
    })
  }

  it('takes a certificate back', async () => {
    await type(revoke, stack.folder)
    await until(
      async () =>
        await type(curl, stack.folder).then(
          () => false,
          (error) => /error: 495/.test(String(error)),
        ),
      {
        what: 'the certificate to be refused',
        withinMs: 5000,
      },
    )
  })

  function problemsOf(text: string): readonly string[] {
    const parsed = parseConfig(text, {
      file: join(stack.folder, 'page.yaml'),
      readFile: (path) => readFileSync(path, 'utf8'),
      ...CHECKS_AND_TESTS,
    })
    return 'problems' in parsed ? parsed.problems.map(({ message }) => message) : []
  }
})
