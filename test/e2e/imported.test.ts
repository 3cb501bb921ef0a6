/**
 * A configuration of oauth2-proxy and what `sallyport import` makes of it, side by side: the same requests, the
 * same provider, the same app.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { draftOf } from '../../src/cli/import/import.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { freePort } from '../harness/ports.ts'
import { type RunningProcess, startProcess } from '../harness/process.ts'
import { startRealProvider } from '../harness/real-provider.ts'
import type { Route } from '../harness/sallyport.ts'
import { startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import { UserAgent } from '../harness/user-agent.ts'

const part = await findPart('oauth2-proxy')

interface Asked {
  readonly path: string
  readonly method?: string
  readonly accept?: string
}

const ASKED: readonly Asked[] = [
  { path: '/' },
  { path: '/deep/page?x=1' },
  { path: '/', accept: 'application/json' },
  { path: '/health' },
  { path: '/health', method: 'POST', accept: 'application/json' },
  { path: '/health/', accept: 'application/json' },
  { path: '/healthy', accept: 'application/json' },
  { path: '/static/a.css' },
  { path: '/static/a.css', method: 'POST', accept: 'application/json' },
  { path: '/x/static/a.css', accept: 'application/json' },
  { path: '/staticx', accept: 'application/json' },
  // The query is no part of the path that is open.
  { path: '/private?x=/static/', accept: 'application/json' },
  { path: '/private%3f/static/', accept: 'application/json' },
]

/** What came of a request, told alike for both. */
async function answerOf(
  agent: UserAgent,
  origin: string,
  { path, method = 'GET', accept }: Asked,
): Promise<string> {
  const headers = accept === undefined ? {} : { accept, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
  const { status, headers: told } = await agent.fetch(`${origin}${path}`, { method, headers })
  if (status === 302 && told['location'] !== undefined) return 'sign in'
  return String(status)
}

// oauth2-proxy gives whoever it does not let in no session, so it goes on asking for a sign-in.
const asLetIn = (answer: string): string => answer.replace(/ (?:sign in|401|403)$/, ' refused')

describe('an imported configuration of oauth2-proxy', skipWithout(part), async () => {
  if (!('path' in part)) return
  const program = need(part)
  const theirPort = await freePort()
  const theirs = `http://app.localhost:${theirPort}`
  const settings: Record<string, unknown> = {}
  let routes: readonly Route[] = []
  let registered = { issuer: '', clientId: '', clientSecret: '' }
  const parts = new AsyncDisposableStack()
  let other: RunningProcess | undefined
  const stack = await startStack({
    authenticate: 'app',
    settings,
    externalProvider: async (redirectUri, postLogoutRedirectUri) => {
      const provider = parts.use(
        await startRealProvider({
          redirectUris: [redirectUri, `${theirs}/oauth2/callback`],
          postLogoutRedirectUris: [postLogoutRedirectUri],
        }),
      )
      registered = provider
      return provider
    },
    beforeServe: async ({ folder, upstream, url }) => {
      const text = configOf(url('app', '/oauth2/callback'), upstream.url)
      const draft = draftOf('oauth2-proxy', [{ file: 'x.cfg', text }], { upstreams: new Map() })
      routes = draft.routes.map(({ value }) => value)
      const wanted = ['jwt_claims_headers', 'pass_identity_headers', 'cookie_expire', 'idp_scopes']
      for (const { key, value } of draft.settings) if (wanted.includes(key)) settings[key] = value
      const file = join(folder, 'oauth2-proxy.cfg')
      await writeFile(file, configOf(`${theirs}/oauth2/callback`, upstream.url))
      other = parts.use(startProcess({ command: program, args: ['--config', file], name: 'oauth2-proxy' }))
    },
    routes: () => routes,
  })
  after(async () => {
    await stack[Symbol.asyncDispose]()
    await parts.disposeAsync()
  })
  await until(async () => (await new UserAgent().fetch(`${theirs}/ping`)).status === 200, {
    what: `oauth2-proxy: ${other?.lines.join('\n')}`,
    withinMs: 30_000,
  })

  function configOf(redirectUrl: string, upstream: string): string {
    return `
provider = "oidc"
oidc_issuer_url = "${registered.issuer}"
client_id = "${registered.clientId}"
client_secret = "${registered.clientSecret}"
redirect_url = "${redirectUrl}"
scope = "openid email profile groups"
http_address = "127.0.0.1:${theirPort}"
upstreams = ["${upstream}/"]
email_domains = ["example.com"]
allowed_groups = ["staff"]
skip_auth_routes = ["GET=^/health$", "^/static/"]
skip_provider_button = true
code_challenge_method = "S256"
cookie_secret = "0123456789abcdef0123456789abcdef"
cookie_secure = false
`
  }

  async function signedIn(origin: string, login: string): Promise<UserAgent> {
    const agent = new UserAgent({ ca: stack.ca.cert })
    const page = await agent.visit(`${origin}/`)
    if (page.url.origin === registered.issuer) await agent.submit(page, { login })
    return agent
  }

  const ours = stack.url('app', '')
  for (const [login, told] of [
    [undefined, (answer: string) => answer],
    ['alice', (answer: string) => answer],
    ['bob', asLetIn],
  ] as const)
    it(`answers ${login ?? 'somebody who is not signed in'} as the original does`, async () => {
      const [mine, its] = await Promise.all(
        [ours, theirs].map(async (origin) => {
          const agent =
            login === undefined ? new UserAgent({ ca: stack.ca.cert }) : await signedIn(origin, login)
          const answers: string[] = []
          for (const asked of ASKED)
            answers.push(`${JSON.stringify(asked)} ${await answerOf(agent, origin, asked)}`)
          return answers
        }),
      )
      assert.deepEqual(mine?.map(told), its?.map(told))
    })

  it('tells the app the same of who asks', async () => {
    const [mine, its] = await Promise.all(
      [ours, theirs].map(async (origin) => {
        const agent = await signedIn(origin, 'alice')
        const { headers } = (await agent.fetch(`${origin}/who`)).json<EchoedRequest>()
        return ['x-forwarded-email', 'x-forwarded-user', 'x-forwarded-groups'].map((name) => [
          name,
          headers[name],
        ])
      }),
    )
    assert.deepEqual(mine, its)
  })
})
