/**
 * Return addresses that are not ours: nobody is ever sent there, and no session is.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { ANYONE_SIGNED_IN, startStack } from '../harness/stack.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [{ from: url('app', ''), to: upstream.url, ...ANYONE_SIGNED_IN }],
})
after(() => stack[Symbol.asyncDispose]())
const { url } = stack

const EVIL = [
  '//evil.example.com',
  '/\\evil.example.com',
  '/\t/evil.example.com',
  '///evil.example.com',
  'https:evil.example.com',
  'https://app.localhost@evil.example.com/',
  'https://app.localhost.evil.example.com/',
  'https://evil.example.com/app.localhost',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'https://app.localhost\r\nset-cookie: a=b',
  'https://app。localhost。evil.example.com/',
  'http://evil.example.com',
  'https://xn--pp-eia.localhost/',
]

const isOurs = (location: string | undefined, from: string): boolean => {
  if (location === undefined) return true
  const { hostname } = new URL(location, from)
  return /^(app|authenticate)\.localhost$/.test(hostname) || hostname === '127.0.0.1'
}

describe('a return address that is not ours', () => {
  const entries = [
    (rd: string) => url('app', `/.pomerium/sign_out?pomerium_redirect_uri=${encodeURIComponent(rd)}`),
    (rd: string) =>
      url('authenticate', `/.pomerium/sign_out?pomerium_redirect_uri=${encodeURIComponent(rd)}`),
    (rd: string) => url('authenticate', `/.pomerium/sign_in?pomerium_redirect_uri=${encodeURIComponent(rd)}`),
    (rd: string) => url('authenticate', `/.pomerium/?pomerium_redirect_uri=${encodeURIComponent(rd)}`),
    (rd: string) => url('app', `/.pomerium/api/v1/login?pomerium_redirect_uri=${encodeURIComponent(rd)}`),
    (rd: string) => url('app', `/.pomerium/callback/?pomerium_redirect_uri=${encodeURIComponent(rd)}`),
    (rd: string) =>
      url('app', `/?pomerium_redirect_uri=${encodeURIComponent(rd)}&rd=${encodeURIComponent(rd)}`),
  ]
  for (const evil of EVIL) {
    it(`${JSON.stringify(evil)} is never followed`, async () => {
      for (const entry of entries) {
        const agent = stack.agent()
        await stack.signIn(agent, url('app'))
        for (const accept of ['text/html', 'application/json']) {
          const target = entry(evil)
          let page = await agent.visit(target, {
            headers: { accept },
            stopAt: (next) => !isOurs(next.href, target),
          })
          for (let step = 0; step < 3 && page.text.includes('<form'); step += 1) {
            page = await agent.submit(page, {}, { stopAt: (next) => !isOurs(next.href, target) })
          }
          for (const hop of [...agent.hops, page]) {
            assert.ok(
              isOurs(hop.headers['location'], hop.url.href),
              `${hop.url.href} → ${hop.headers['location']}`,
            )
            assert.equal(
              hop.setCookies.some((cookie) => cookie.startsWith('a=b')),
              false,
            )
          }
          assert.doesNotMatch(page.text, /<a\b[^>]*href="(?:javascript|data):/)
        }
      }
    })
  }
})

describe('the address of a programmatic login', () => {
  it('is never given for another host than loopback', async () => {
    for (const evil of [
      'https://evil.example.com/',
      'http://localhost.evil.example.com/',
      'http://localhost@evil.example.com/',
    ]) {
      const login = url('app', `/.pomerium/api/v1/login?pomerium_redirect_uri=${encodeURIComponent(evil)}`)
      const page = await stack.agent().fetch(login, { headers: { accept: 'application/json' } })
      assert.ok(page.status >= 400 && page.status < 500, `${evil}: ${page.status}`)
      assert.ok(!page.text.includes('pomerium_signature'))
    }
  })
})
