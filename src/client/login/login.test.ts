import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer, HttpClient } from '../http/http-client.ts'
import { signIn } from './login.ts'

const TOKEN = 'aaaa.bbbb.cccc'
const PAGE = 'https://app.example.com/.pomerium/program?x=1'

/** A server that answers so; `opened` is told the address that the token should go to. */
function server(
  answer: Partial<Answer>,
  opened: (redirectUri: string) => void = () => undefined,
): HttpClient {
  return {
    server: new URL('https://app.example.com'),
    isUnverified: false,
    get: async (path) => {
      const asked = new URL(path, 'https://app.example.com')
      assert.equal(asked.pathname, '/.pomerium/api/v1/login')
      const redirectUri = asked.searchParams.get('pomerium_redirect_uri') ?? ''
      opened(redirectUri)
      return await Promise.resolve({ status: 200, contentType: 'text/plain', text: PAGE, ...answer })
    },
  }
}

/** As a browser: it follows the redirect. */
const browse = (redirectUri: string): void =>
  void fetch(`${redirectUri}&pomerium_jwt=${TOKEN}`).then((page) => page.text())

const options = { opener: undefined, terminal: undefined }

describe('a sign-in', () => {
  it('prints the page, and ends with the token that the browser brings', async () => {
    let said = ''
    const say = (text: string): void => void (said += text)
    assert.equal(await signIn({ ...options, http: server({}, browse), say }), TOKEN)
    assert.ok(said.includes(`\n${PAGE}\n`))
    assert.ok(!said.includes(TOKEN))
  })

  it('goes on when no browser could be opened', async () => {
    let said = ''
    let redirectUri = ''
    const http = server({}, (uri) => void (redirectUri = uri))
    const say = (text: string): void => {
      said += text
      if (text.startsWith('No browser was opened')) browse(redirectUri)
    }
    const opener = { command: '/nowhere/browser', args: [] }
    assert.equal(await signIn({ ...options, opener, http, say }), TOKEN)
    assert.match(said, /No browser was opened \(.*ENOENT\)\. Open the page above/)
  })

  it('opens nothing that is no page of the web', async () => {
    let said = ''
    const say = (text: string): void => void (said += text)
    await assert.rejects(signIn({ ...options, http: server({ text: 'file:///etc/passwd' }), say }), {
      code: 'SERVER_ANSWER_INVALID',
    })
    assert.equal(said, '')
  })

  for (const [status, words] of [
    [404, /there is no Sallyport at that address/],
    [400, /programmatic_redirect_domain_whitelist/],
    [302, /it answered 302/],
    [502, /it answered 502, "bad  gateway"/],
  ] as const)
    it(`says what is wrong when the server answers ${status}`, async () => {
      const http = server({ status, text: 'bad \u001b[31m\ngateway' })
      await assert.rejects(signIn({ ...options, http, say: () => undefined }), {
        code: 'LOGIN_FAILED',
        message: words,
      })
    })

  it('does not wait for ever, and then listens no more', async () => {
    let redirectUri = ''
    const http = server({}, (uri) => void (redirectUri = uri))
    await assert.rejects(signIn({ ...options, http, say: () => undefined, withinMs: 30 }), {
      code: 'LOGIN_FAILED',
    })
    await assert.rejects(fetch(`${redirectUri}&pomerium_jwt=${TOKEN}`))
  })
})
