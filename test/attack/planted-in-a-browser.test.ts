/**
 * Session cookies of ours that a neighbour on the domain plants in a real Chromium.
 *
 * @module
 */
import assert from 'node:assert/strict'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, describe, it } from 'node:test'
import type { BrowserContext } from 'playwright-core'
import { freshContext, startChromium } from '../harness/chromium.ts'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { ANYONE_SIGNED_IN, type Stack, startStack } from '../harness/stack.ts'

const found = await findPart('chromium')

/** The name in every dress that may get past a browser or be undone by a server. */
const plantings = (name: string, reference: string): readonly string[] =>
  [
    name,
    `=${name}`,
    `\u00a0${name}`,
    `\u0085${name}`,
    name.toLowerCase(),
    `x=1,${name}`,
    `$Version=1,${name}`,
    ` ${name}`,
    `\t${name}`,
  ].map((each) => `${each}=${reference}; Domain=test.localhost; Path=/; Secure`)

/** Whom the app was told of, beside what it echoes. */
const withAssertionRead = (text: string): string =>
  text.replace(/[\w-]+\.([\w-]+)\.[\w-]+/g, (_, payload: string) =>
    Buffer.from(payload, 'base64url').toString(),
  )

const visit = async (context: BrowserContext, url: string) => {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

describe('a neighbour on the domain that plants cookies in Chromium', skipWithout(found), () => {
  const stop = new AsyncDisposableStack()
  let stack: Stack
  after(() => stop.disposeAsync())
  const app = () => stack.url('shop.test', '/')

  async function start(settings: Readonly<Record<string, unknown>> = {}): Promise<void> {
    stack = stop.use(
      await startStack({
        hosts: ['shop.test'],
        routes: ({ upstream, url }) => [
          { from: url('shop.test', ''), to: upstream.url, ...ANYONE_SIGNED_IN },
        ],
        settings,
        authenticate: 'authenticate.test',
      }),
    )
  }

  /** Somebody who may open the app too, and gives their session away. */
  async function referenceOfAnother(): Promise<string> {
    const agent = stack.agent()
    await stack.signIn(agent, app(), 'bob')
    const cookie = agent.jar.header(new URL(app())) ?? ''
    return /_pomerium=([^;]+)/.exec(cookie)?.[1] ?? ''
  }

  async function browserContext(): Promise<BrowserContext> {
    const browser = await startChromium({ executablePath: need(found), trustedCert: stack.certificate.cert })
    stop.defer(() => browser.close())
    return await freshContext(browser)
  }

  /** Another server on another host of the domain; cookies know no ports. */
  async function neighbour(lines: readonly string[]): Promise<string> {
    const { cert, key } = stack.certificate
    const server = https.createServer({ cert, key }, (request, response) => {
      // Not with its icon too, which a browser may ask for when the test has gone on to the app.
      if (request.url === '/') for (const line of lines) response.appendHeader('set-cookie', line)
      response.end('planted')
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    stop.defer(() => {
      server.closeAllConnections()
      server.close()
    })
    return `https://evil.test.localhost:${(server.address() as AddressInfo).port}/`
  }

  it('signs nobody in as somebody else, and locks nobody out', async () => {
    await start()
    const reference = await referenceOfAnother()
    assert.notEqual(reference, '')
    const evil = await neighbour([
      ...plantings('__Host-_pomerium', reference),
      `_pomerium=${reference}; Domain=test.localhost; Path=/; Secure`,
    ])
    const planted = await browserContext()
    await visit(planted, evil)
    assert.ok((await planted.cookies(app())).length > 0, 'some of them were taken')
    const page = await visit(planted, app())
    assert.equal(new URL(page.url()).origin, stack.provider.issuer, 'the planted session is none')

    await page.fill('input[name=login]', 'alice')
    await page.click('button[type=submit]')
    await page.waitForURL(app())
    await visit(planted, evil)
    const again = await planted.newPage()
    const answer = await again.goto(app())
    assert.equal(answer?.status(), 200)
    assert.match(await again.innerText('body'), /alice@example\.com|"url"/)
    const user = await again.evaluate(async () => await (await fetch('/.pomerium/user')).text())
    assert.match(user, /alice/)
  })

  it('of a shared cookie_domain costs one try at most, and never the session', async () => {
    await start({ cookie_domain: 'test.localhost' })
    const reference = await referenceOfAnother()
    const places = [
      'Path=/deep',
      'Path=/deep/',
      'Path=/deep/er',
      'Path=/.pomerium',
      'Path=/.pomerium/callback',
    ]
    const evil = await neighbour(
      places.map((place) => `_pomerium=${reference}; Domain=test.localhost; ${place}; Secure`),
    )
    const context = await browserContext()
    await visit(context, evil)
    const page = await visit(context, app())
    await page.fill('input[name=login]', 'alice')
    await page.click('button[type=submit]')
    await page.waitForURL((url) => url.pathname.startsWith('/.pomerium/callback') || url.href === app())
    await page.goto(app())
    if (new URL(page.url()).origin === stack.provider.issuer) await page.waitForURL(app())
    assert.match(await page.innerText('body'), /alice@example\.com|"url"/)

    for (const path of ['/deep/er/page', '/.pomerium/user']) {
      await visit(context, evil)
      const url = stack.url('shop.test', path)
      const first = await page.goto(url)
      assert.equal(first?.status(), 400, 'which of the two is meant is anybody’s guess')
      const second = await page.goto(url)
      assert.equal(second?.status(), 200, path)
      assert.match(withAssertionRead(await page.innerText('body')), /alice/)
    }
  })
})
