/**
 * Getting at the identity provider's tokens, or putting another in their place.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { HeaderList } from '../harness/raw-http.ts'
import { STAFF_ONLY } from '../harness/stack.ts'
import type { EchoedRequest } from '../harness/upstream.ts'
import { openTarget, VERSIONS } from './target.ts'

const MARK = 'forged-by-the-client'

const target = await openTarget({}, ({ upstream, url }) => [
  { from: url('wiki', ''), to: upstream.url, ...STAFF_ONLY, pass_idp_token: 'access_token' },
  {
    from: url('other', ''),
    to: upstream.url,
    ...STAFF_ONLY,
    pass_idp_token: { token: 'access_token', header: 'X-App-Key', optional: true },
  },
])
after(() => target[Symbol.asyncDispose]())
const { stack, fire } = target

const agent = stack.agent()
await stack.signIn(agent, stack.url('wiki'))
for (const host of ['other', 'app', 'api']) await agent.visit(stack.url(host))
const cookieOf = (host: string) => agent.jar.header(new URL(stack.url(host))) ?? ''
const TOKEN = (await agent.fetch(stack.url('wiki'))).json<EchoedRequest>().headers['authorization'] ?? ''
const BARE = TOKEN.replace('Bearer ', '')

/** Values of a header as they came, one by one. */
function valuesOf({ rawHeaders }: EchoedRequest, name: string): readonly string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
}

const REPLACING: Readonly<Record<string, (name: string) => HeaderList>> = {
  'as it is': (name) => [[name, MARK]],
  'in capitals': (name) => [[name.toUpperCase(), MARK]],
  doubled: (name) => [
    [name, MARK],
    [name, `${MARK}2`],
  ],
  'after a comma': (name) => [[name, `Bearer x, ${MARK}`]],
  'named as a hop': (name) => [
    [name, MARK],
    ['connection', `keep-alive, ${name}`],
  ],
  'with underscores': (name) => [[name.replaceAll('-', '_'), MARK]],
}

describe('a header that carries a token', () => {
  assert.ok(BARE.length > 20, 'there is a token')
  for (const version of VERSIONS) {
    for (const [how, headersFor] of Object.entries(REPLACING)) {
      it(`is not the client’s to set, ${how}, over HTTP/${version}`, async () => {
        for (const [host, name, value] of [
          ['wiki', 'authorization', TOKEN],
          ['other', 'x-app-key', BARE],
        ] as const) {
          const headers: HeaderList = [['cookie', cookieOf(host)], ...headersFor(name)]
          const { status, seen } = await fire({ host, path: '/', headers }, version)
          // HTTP/2 knows no Connection header, and names with an underscore are refused.
          if (status !== 200) {
            assert.equal(seen.length, 0)
            continue
          }
          for (const echoed of seen) {
            assert.deepEqual(valuesOf(echoed, name), [value], `${host}: ${status}`)
            if (how !== 'with underscores') assert.ok(!JSON.stringify(echoed).includes(MARK))
          }
        }
      })
    }

    it(`is seen by no other app, whatever the client names or asks for, over HTTP/${version}`, async () => {
      const tries: readonly HeaderList[] = [
        [],
        [['authorization', '$pomerium.access_token']],
        [['x-app-key', '$pomerium.access_token']],
        [['authorization', '${pomerium.access_token}']],
      ]
      for (const more of tries) {
        const headers: HeaderList = [['cookie', cookieOf('app')], ...more]
        const { seen } = await fire({ host: 'app', path: '/', headers }, version)
        assert.equal(seen.length, 1)
        assert.ok(!JSON.stringify(seen).includes(BARE))
      }
    })

    it(`is not told by our own pages, over HTTP/${version}`, async () => {
      for (const path of [
        '/.pomerium/',
        '/.pomerium/user',
        '/.pomerium/routes',
        '/.pomerium/api/v1/routes',
      ]) {
        const headers: HeaderList = [['cookie', cookieOf('wiki')]]
        const { status, text } = await fire({ host: 'wiki', path, headers }, version)
        assert.equal(status, 200, path)
        assert.ok(!text.includes(BARE), path)
      }
    })

    it(`is not given to a session that was made up, over HTTP/${version}`, async () => {
      const cookie = cookieOf('wiki')
      for (const forged of [cookie.slice(0, -2), cookie.replace('v1.', 'v2.'), cookieOf('app')]) {
        const { seen } = await fire({ host: 'wiki', path: '/', headers: [['cookie', forged]] }, version)
        assert.equal(seen.length, 0)
      }
    })
  }
})
