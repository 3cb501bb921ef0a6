/**
 * Several identity providers at once: two real ones, a page where people choose, routes that take only one of
 * them, and a route with an OAuth client of its own.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { freshContext, startChromium } from '../harness/chromium.ts'
import type { HttpResponse } from '../harness/http-client.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { type RealProvider, startRealProvider } from '../harness/real-provider.ts'
import { ANYONE_SIGNED_IN, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import type { UserAgent } from '../harness/user-agent.ts'

const found = await findPart('chromium')
const stop = new AsyncDisposableStack()
after(() => stop.disposeAsync())

const settings: Record<string, unknown> = {}
let partners: RealProvider | undefined
const stack = stop.use(
  await startStack({
    settings,
    async beforeServe({ url, provider }) {
      const redirectUris = [url('authenticate', '/oauth2/callback')]
      partners = stop.use(
        await startRealProvider({
          redirectUris,
          postLogoutRedirectUris: [url('authenticate', '/.pomerium/signed_out')],
          moreClients: ['payroll'],
          accounts: { alice: { email: 'alice@partner.example', name: 'Alice Partner', groups: ['staff'] } },
        }),
      )
      assert.notEqual(partners.issuer, provider.issuer)
      settings['sign_in_providers'] = {
        partners: {
          provider: 'oidc',
          provider_url: partners.issuer,
          client_id: partners.clientId,
          client_secret: partners.clientSecret,
          label: 'Partner account',
        },
      }
    },
    routes: ({ upstream, url }) => [
      { from: url('app', ''), to: upstream.url, ...STAFF_ONLY },
      { from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
      { from: url('api', ''), to: upstream.url, ...ANYONE_SIGNED_IN, sign_in_providers: ['default'] },
      { from: url('other', ''), to: upstream.url, ...ANYONE_SIGNED_IN, sign_in_providers: ['partners'] },
      {
        from: url('lab', ''),
        to: upstream.url,
        ...ANYONE_SIGNED_IN,
        sign_in_providers: ['partners'],
        idp_client_id: 'payroll',
        idp_client_secret: partners?.clientSecret,
      },
    ],
  }),
)
const { url, provider } = stack
const partnerIssuer = partners?.issuer ?? ''

const linkTo = (page: HttpResponse, label: string): string => {
  const [, href = ''] = new RegExp(`href="([^"]+)">${label}`).exec(page.text) ?? []
  return href.replaceAll('&amp;', '&')
}
/** Through the page where one chooses, and the login form there. */
async function signInAt(
  agent: UserAgent,
  target: string,
  label: string,
  login = 'alice',
): Promise<HttpResponse> {
  const page = await agent.visit(target)
  const form = page.text.includes('How do you want to sign in?')
    ? await agent.visit(linkTo(page, label))
    : page
  return form.text.includes('name="login"') ? await agent.submit(form, { login }) : form
}
const userOf = async (agent: UserAgent, host: string): Promise<Record<string, unknown>> =>
  (await agent.fetch(url(host, '/.pomerium/user'))).json<Record<string, unknown>>()

describe('with two identity providers', () => {
  it('a first visit leads to a choice, and each leads to the app', async () => {
    const [one, two] = [stack.agent(), stack.agent()]
    const page = await signInAt(one, url('app', '/x?y=1'), 'Single sign-on')
    assert.deepEqual([page.status, page.url.href], [200, url('app', '/x?y=1')])
    assert.equal((await userOf(one, 'app'))['email'], 'alice@example.com')
    assert.equal((await signInAt(two, url('app'), 'Partner account')).status, 200)
    assert.equal((await userOf(two, 'app'))['email'], 'alice@partner.example')
  })

  it('a route of one of them goes straight there, and takes nobody of the other', async () => {
    const agent = stack.agent()
    await signInAt(agent, url('app'), 'Partner account')
    const page = await agent.visit(url('api'))
    assert.equal(page.url.origin, provider.issuer)
    assert.equal((await agent.submit(page, { login: 'alice' })).status, 200)
    assert.equal((await userOf(agent, 'api'))['email'], 'alice@example.com')
  })

  it('going to and fro asks for one login at each, and keeps both sessions', async () => {
    const agent = stack.agent()
    await signInAt(agent, url('other'), '')
    await signInAt(agent, url('api'), '')
    for (const host of ['other', 'api', 'wiki', 'other', 'api'])
      assert.equal((await agent.visit(url(host))).status, 200, host)
    assert.deepEqual(
      [(await userOf(agent, 'other'))['email'], (await userOf(agent, 'api'))['email']],
      ['alice@partner.example', 'alice@example.com'],
    )
    // The partners' login page has not been asked for again on the way.
    assert.ok(agent.hops.every((hop) => hop.url.origin !== partnerIssuer))
  })

  it('a route with an OAuth client of its own accepts only what was begun through it', async () => {
    const agent = stack.agent()
    await signInAt(agent, url('other'), '')
    const page = await agent.visit(url('lab'), {
      stopAt: (next) => next.origin === partnerIssuer,
    })
    const asked = new URL(page.headers['location'] ?? '')
    assert.equal(asked.searchParams.get('client_id'), 'payroll')
    assert.equal(asked.searchParams.get('redirect_uri'), url('authenticate', '/oauth2/callback'))
    // The provider knows who it is, so nobody types anything.
    assert.equal((await agent.visit(asked)).status, 200)
    assert.equal((await userOf(agent, 'lab'))['email'], 'alice@partner.example')
    const cookie = agent.jar.header(new URL(url('lab')))
    const elsewhere = await stack.agent().fetch(url('other'), { headers: { cookie: cookie ?? '' } })
    assert.equal(elsewhere.status, 302, 'its session counts on no other route')
  })

  it('a denial offers the other provider', async () => {
    const agent = stack.agent()
    const denied = await signInAt(agent, url('app'), 'Single sign-on', 'bob')
    assert.equal(denied.status, 403)
    const choice = await agent.visit(linkTo(denied, 'Use another account'))
    assert.match(choice.text, /signed in as bob@example\.com/)
    const form = await agent.visit(linkTo(choice, 'Partner account'))
    assert.equal((await agent.submit(form, { login: 'alice' })).status, 200)
    assert.equal((await userOf(agent, 'app'))['email'], 'alice@partner.example')
  })

  it('somebody with 2,000 groups signs in and is judged by each of them', async () => {
    const groups = Array.from({ length: 2000 }, (_, index) => `team-${index}-of-a-large-company`)
    provider.accounts.set('many', { email: 'many@example.com', name: 'Many', groups: [...groups, 'staff'] })
    const agent = stack.agent()
    assert.equal((await signInAt(agent, url('app'), 'Single sign-on', 'many')).status, 200)
    const { groups: groupsThere } = await userOf(agent, 'app')
    assert.ok(Array.isArray(groupsThere) && groupsThere.length === 2001)
    const cookies = [url('app'), url('authenticate')].map((host) => agent.jar.header(new URL(host)) ?? '')
    assert.ok(
      cookies.every((header) => header.length < 600),
      cookies.join('\n'),
    )
  })

  it('a program is told where to sign in, and the address works in a browser', async () => {
    const agent = stack.agent()
    const answer = await agent.fetch(url('wiki'), { headers: { accept: 'application/json' } })
    assert.equal(answer.status, 401)
    const { login_url: loginUrl } = answer.json<{ login_url: string }>()
    assert.match((await agent.visit(loginUrl)).text, /How do you want to sign in\?/)
  })

  it('/status tells of each of them', async () => {
    const status = await stack.agent().fetch(`http://127.0.0.1:${stack.edge.healthPort}/status`)
    const { identityProviders } = status.json<{ identityProviders: { name: string; state: string }[] }>()
    assert.deepEqual(
      identityProviders.map(({ name, state }) => [name, state]),
      [
        ['default', 'ready'],
        ['partners', 'ready'],
        ['partners', 'ready'],
      ],
    )
  })

  it('one that is down stops nobody at the other', async () => {
    const agent = stack.agent()
    await partners?.stop()
    try {
      assert.equal((await signInAt(agent, url('app'), 'Single sign-on')).status, 200)
    } finally {
      await partners?.start()
    }
  })
})

describe('the page where people choose, in Chromium', skipWithout(found), () => {
  it('shows a button for each, works by keyboard alone, and remembers', async () => {
    const browser = await startChromium({
      executablePath: need(found),
      trustedCert: stack.certificate.cert,
    })
    stop.defer(() => browser.close())
    const context = await freshContext(browser)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      const isOurs = message.location().url.startsWith(url('authenticate'))
      if (isOurs && message.type() === 'error') complaints.push(message.text())
    })
    await page.goto(url('app', '/x'))
    assert.deepEqual(await choices(page), ['Single sign-on', 'Partner account'])
    await shoot(page, 'chooser')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.fill('input[name=login]', 'alice')
    await page.click('button[type=submit]')
    await page.waitForURL(url('app', '/x'))
    const echoed: EchoedRequest = JSON.parse(await page.innerText('body'))
    assert.match(echoed.headers['x-pomerium-jwt-assertion'] ?? '', /^ey/)
    await page.goto(url('app', '/.pomerium/sign_out'))
    await page.goto(url('app', '/x'))
    assert.deepEqual(await choices(page), ['Partner account used last', 'Single sign-on'])
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 360, height: 640 })
    await shoot(page, 'chooser-remembered-dark-narrow')
    assert.deepEqual(complaints, [])
    await context.close()
  })
})

const choices = async (page: Page): Promise<readonly string[]> =>
  (await page.getByRole('listitem').getByRole('link').allInnerTexts()).map((text) =>
    text.replaceAll(/\s+/g, ' '),
  )

/** Only when somebody wants to look. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env['SALLYPORT_SCREENSHOTS']
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` })
}

describe('a change of the configuration', () => {
  it('that takes a provider away ends what was begun there, and leaves the others alone', async () => {
    const [own, foreign] = [stack.agent(), stack.agent()]
    await signInAt(own, url('wiki'), 'Single sign-on')
    await signInAt(foreign, url('wiki'), 'Partner account')
    const { upstream } = stack
    await stack.edit({
      settings: { sign_in_providers: undefined },
      routes: [{ from: url('wiki', ''), to: upstream.url, ...ANYONE_SIGNED_IN }],
    })
    await until(async () => (await foreign.fetch(url('wiki'))).status === 302, { what: 'a sign-in' })
    assert.equal((await own.fetch(url('wiki'))).status, 200)
    assert.equal(
      (await foreign.visit(url('wiki'))).url.origin,
      provider.issuer,
      'with one left there is no choice',
    )
  })
})
