import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { describe, it } from 'node:test'
import { listenForToken, type TokenListener } from './token-listener.ts'

const TOKEN = 'aaaa.bbbb.cccc'
const OTHER = 'dddd.eeee.ffff'

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function ask({ redirectUri }: TokenListener, { path, method = 'GET', host, headers }: Asked = {}) {
  const { port, pathname, search } = new URL(redirectUri)
  return await new Promise<{ status: number; location: string | undefined; text: string }>(
    (resolve, reject) => {
      const asked = httpRequest(
        {
          port,
          host: '127.0.0.1',
          method,
          path: path ?? `${pathname}${search}&pomerium_jwt=${TOKEN}`,
          headers: { ...headers, ...(host !== undefined && { host }) },
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part
          })
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, location: response.headers.location, text }),
          )
        },
      )
      asked.on('error', reject)
      asked.end()
    },
  )
}

/** @param use with a listener that is closed afterwards */
async function listening(use: (listener: TokenListener) => Promise<void>): Promise<void> {
  const listener = await listenForToken()
  try {
    await use(listener)
  } finally {
    listener.take(`${listener.redirectUri}&pomerium_jwt=${TOKEN}`)
    await listener.close()
  }
}

/** By then a promise that is settled has told so. */
const nextTurn = async (): Promise<string> =>
  await new Promise((resolve) => {
    setImmediate(resolve, 'pending')
  })

const secretOf = (listener: TokenListener) => new URL(listener.redirectUri).searchParams.get('state') ?? ''

describe('the port where the browser brings the token', () => {
  it('takes the token once, and leads on to a page without it in the address', async () => {
    await listening(async (listener) => {
      const first = await ask(listener)
      assert.deepEqual([first.status, first.location], [303, '/signed-in'])
      assert.equal(await listener.token, TOKEN)
      const again = await ask(listener, {
        path: `/callback${new URL(listener.redirectUri).search}&pomerium_jwt=${OTHER}`,
      })
      assert.equal(again.status, 400)
      assert.equal(await listener.token, TOKEN)
      assert.match((await ask(listener, { path: '/signed-in' })).text, /You may close this page/)
    })
  })

  it('is of this computer alone, with another secret for each sign-in', async () => {
    await listening(async (one) => {
      await listening(async (other) => {
        const secrets = [one, other].map(
          ({ redirectUri }) => new URL(redirectUri).searchParams.get('state') ?? '',
        )
        assert.match(one.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback\?state=[\w-]{43}$/)
        assert.notEqual(secrets[0], secrets[1])
        // Another address of the same computer, as its network is.
        const elsewhere = one.redirectUri.replace('127.0.0.1', '127.0.0.2')
        await assert.rejects(fetch(elsewhere), /fetch failed/)
      })
    })
  })

  const ATTACKS: readonly (readonly [what: string, asked: (listener: TokenListener) => Asked])[] = [
    ['a token of somebody else, without the secret', () => ({ path: `/callback?pomerium_jwt=${OTHER}` })],
    [
      'a wrong secret of the same length',
      (listener) => ({
        path: `/callback?state=${secretOf(listener).replace(/./g, 'A')}&pomerium_jwt=${OTHER}`,
      }),
    ],
    [
      'a part of the secret',
      (listener) => ({ path: `/callback?state=${secretOf(listener).slice(0, 42)}&pomerium_jwt=${OTHER}` }),
    ],
    ['a name that was led to this computer (DNS rebinding)', () => ({ host: 'evil.example.com' })],
    [
      'that name with the right port',
      (listener) => ({ host: `evil.example.com:${new URL(listener.redirectUri).port}` }),
    ],
    [
      'localhost, which may be another’s on this computer',
      (listener) => ({ host: `localhost:${new URL(listener.redirectUri).port}` }),
    ],
    ['a form that another page sends', () => ({ method: 'POST' })],
    ['a question of scripts before they send', () => ({ method: 'OPTIONS' })],
    ['another path', (listener) => ({ path: `/?state=${secretOf(listener)}&pomerium_jwt=${OTHER}` })],
    [
      'an address of another host',
      (listener) => ({
        path: `http://evil.example.com/callback?state=${secretOf(listener)}&pomerium_jwt=${OTHER}`,
      }),
    ],
    ['no token', (listener) => ({ path: `/callback?state=${secretOf(listener)}` })],
    [
      'what is no token',
      (listener) => ({
        path: `/callback?state=${secretOf(listener)}&pomerium_jwt=${encodeURIComponent('a\r\nX: y')}`,
      }),
    ],
    ['the page that says that all is well, before it is', () => ({ path: '/signed-in' })],
  ]
  for (const [what, asked] of ATTACKS)
    it(`refuses, and goes on waiting: ${what}`, async () => {
      await listening(async (listener) => {
        const { status, text } = await ask(listener, asked(listener))
        assert.equal(status, 400)
        assert.match(text, /Not from this sign-in/)
        assert.equal(await Promise.race([listener.token, nextTurn()]), 'pending')
        assert.equal((await ask(listener)).status, 303)
      })
    })

  it('takes an address that was copied, and no other', async () => {
    await listening(async (listener) => {
      const { port } = new URL(listener.redirectUri)
      const whole = `${listener.redirectUri}&pomerium_jwt=${TOKEN}`
      for (const text of [
        '',
        TOKEN,
        'https://app.example.com/',
        whole.replace(port, String(Number(port) ^ 1)),
        whole.replace('127.0.0.1', 'evil.example.com'),
        whole.replace(/state=./, 'state='),
        whole.replace('http:', 'https:'),
        listener.redirectUri,
      ])
        assert.equal(listener.take(text), false, text)
      assert.equal(listener.take(`  ${whole}\n`), true)
      assert.equal(await listener.token, TOKEN)
    })
  })
})
