import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { CredentialStore } from './credentials/credential-store.ts'
import type { Answer } from './http/http-client.ts'
import { access, type Client, getSignedIn } from './signed-in.ts'

const base = mkdtempSync(join(tmpdir(), 'sallyport-signed-in-'))
after(() => rmSync(base, { recursive: true }))
const NOW = 1_800_000_000_000
const tokenFor = (name: string, exp = NOW / 1000 + 3_600): string =>
  `${Buffer.from('{}').toString('base64url')}.${Buffer.from(JSON.stringify({ exp, name })).toString('base64url')}.${name}`

let count = 0
/** A server that takes these tokens, and a user who signs in with the next of `tokens` each time. */
function world({
  taken,
  tokens = [],
  status = 401,
  machineToken,
}: {
  taken: readonly string[]
  tokens?: string[]
  /** For a token that is not taken. */
  status?: number
  machineToken?: string
}) {
  const asked: (readonly [path: string, token: string | undefined])[] = []
  const answer = (token: string | undefined): Answer =>
    token !== undefined && taken.includes(token)
      ? {
          status: 200,
          contentType: 'application/json',
          text: '{"email":"alice\\u001b[31m@example.com","sub":"1"}',
        }
      : { status, contentType: 'text/plain', text: 'no \u001b[2Jentry' }
  let signIns = 0
  const store = new CredentialStore(join(base, String((count += 1))))
  const client: Client = {
    http: {
      server: new URL('https://app.example.com'),
      isUnverified: false,
      get: async (path, token) => {
        asked.push([path, token])
        return await Promise.resolve(answer(token))
      },
    },
    store,
    machineToken,
    signIn: async () => {
      signIns += 1
      return await Promise.resolve(tokens.shift() ?? 'none.is.left')
    },
    isAttended: false,
    say: () => undefined,
    now: () => NOW,
  }
  return { client, store, asked, signIns: () => signIns }
}

const keep = (store: CredentialStore, token: string, expiresAt = NOW + 3_600_000): void =>
  store.save({ origin: 'https://app.example.com', isUnverified: false, token, expiresAt, user: undefined })

describe('access to a server', () => {
  it('is by a sign-in where there is no token, which is kept', async () => {
    const token = tokenFor('one')
    const { client, store, signIns } = world({ taken: [token], tokens: [token] })
    const found = await access(client)
    assert.deepEqual(
      [found.token, found.expiresAt, found.user],
      [token, NOW + 3_600_000, 'alice@example.com'],
    )
    assert.equal((await access(client)).token, token)
    assert.deepEqual([signIns(), store.all().length], [1, 1])
  })

  for (const status of [401, 302])
    it(`is by one more sign-in when the server answers the token that is kept with ${status}`, async () => {
      const [old, next] = [tokenFor('old'), tokenFor('next')]
      const { client, store, signIns } = world({ taken: [next], tokens: [next], status })
      keep(store, old)
      assert.equal((await access(client)).token, next)
      assert.deepEqual([signIns(), store.all().map(({ token }) => token)], [1, [next]])
    })

  it('is not with a token that has ended: it is not even sent', async () => {
    const [old, next] = [tokenFor('old'), tokenFor('next')]
    const { client, store, asked } = world({ taken: [old, next], tokens: [next] })
    keep(store, old, NOW - 1)
    assert.equal((await access(client)).token, next)
    assert.ok(!asked.some(([, token]) => token === old))
  })

  it('keeps the token while the server is unwell', async () => {
    const old = tokenFor('old')
    const { client, store, signIns } = world({ taken: [], status: 503 })
    keep(store, old)
    await assert.rejects(access(client), { code: 'SERVER_UNREACHABLE', message: /answered 503: "no entry"/ })
    assert.deepEqual([signIns(), store.all().length], [0, 1])
  })

  it('keeps the token of somebody who may not do it', async () => {
    const old = tokenFor('old')
    const { client, store, signIns } = world({ taken: [], status: 403 })
    keep(store, old)
    await assert.rejects(getSignedIn(client, '/x'), { code: 'SERVER_ANSWER_INVALID' })
    assert.deepEqual([signIns(), store.all().length], [0, 1])
  })

  it('fails, and keeps nothing, when the token of a sign-in is not taken', async () => {
    const { client, store, signIns } = world({ taken: [], tokens: [tokenFor('bad')] })
    await assert.rejects(access(client), { code: 'LOGIN_FAILED' })
    assert.deepEqual([signIns(), store.all()], [1, []])
  })

  it('takes the token that another process has got meanwhile', async () => {
    const [old, theirs] = [tokenFor('old'), tokenFor('theirs')]
    const { client, store, signIns } = world({ taken: [theirs] })
    keep(store, old)
    const { get } = client.http
    const slow: Client = {
      ...client,
      http: {
        ...client.http,
        get: async (path, token) => {
          const answer = await get(path, token)
          if (token === old) keep(store, theirs)
          return answer
        },
      },
    }
    assert.equal((await access(slow)).token, theirs)
    assert.equal(signIns(), 0)
  })

  it('opens no second page while the first was not answered, unless somebody is there', async () => {
    const token = tokenFor('late')
    const { client, signIns } = world({ taken: [token], tokens: [token] })
    const nobody = { ...client, signIn: () => Promise.reject(new Error('nobody came')) }
    await assert.rejects(access(nobody), /nobody came/)
    await assert.rejects(access(client), {
      code: 'LOGIN_FAILED',
      message: /run: sallyport auth login https:\/\/app\.example\.com$/,
    })
    assert.equal(signIns(), 0)
    assert.equal((await access({ ...client, isAttended: true })).token, token)
    client.store.remove({ origin: 'https://app.example.com', isUnverified: false })
    await access(client).catch(() => undefined)
    assert.equal(signIns(), 2, 'once somebody has answered, pages are opened again')
  })

  it('of a machine never signs in', async () => {
    const { client, store, signIns } = world({ taken: [], machineToken: tokenFor('machine') })
    await assert.rejects(getSignedIn(client, '/x'), { code: 'LOGIN_FAILED', message: /service account/ })
    assert.deepEqual([signIns(), store.all()], [0, []])
  })
})

describe('a page that needs a sign-in', () => {
  it('is asked for once more with a new token, and not a third time', async () => {
    const [first, second] = [tokenFor('first'), tokenFor('second')]
    // The page itself refuses both, while the other pages take them.
    const { client, signIns } = world({ taken: [first, second], tokens: [first, second] })
    const { get } = client.http
    let pages = 0
    const odd: Client = {
      ...client,
      http: {
        ...client.http,
        get: async (path, token) => {
          if (path !== '/x') return await get(path, token)
          pages += 1
          return { status: 401, contentType: '', text: '' }
        },
      },
    }
    await assert.rejects(getSignedIn(odd, '/x'), { code: 'LOGIN_FAILED', message: /again and again/ })
    assert.deepEqual([pages, signIns()], [2, 2])
  })

  it('shows no token in what is said of a failure', async () => {
    const token = tokenFor('secret')
    const { client, store } = world({ taken: [], status: 500 })
    keep(store, token)
    await assert.rejects(getSignedIn(client, '/x'), (error: Error) => !error.message.includes(token))
  })
})
