/**
 * Editing the configuration while it serves: good edits apply, bad ones change nothing, requests in flight go
 * on.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { connect as tlsConnect } from 'node:tls'
import { request } from '../harness/http-client.ts'
import type { Route } from '../harness/sallyport.ts'
import { groupPolicy, PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { writeKeyPair } from '../harness/test-ca.ts'
import { until } from '../harness/until.ts'
import { ask, openWebSocket } from '../harness/web-socket.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY, allow_websockets: true },
    { from: url('public', ''), to: upstream.url, ...PUBLIC },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca, upstream } = stack

const app = (rest: Route = STAFF_ONLY): Route => ({
  from: url('app', ''),
  to: upstream.url,
  allow_websockets: true,
  ...rest,
})
const open: Route = { from: url('public', ''), to: upstream.url, ...PUBLIC }
const get = async (host: string, path = '/', headers: Record<string, string> = {}) =>
  await request({ url: url(host, path), ca: ca.cert, headers })

describe('a good edit', () => {
  it('of a policy applies to people who are signed in, within a second', async () => {
    const agent = stack.agent()
    assert.equal((await stack.signIn(agent, url('app'))).status, 200)
    await stack.edit({ routes: [app({ policy: groupPolicy('admins') }), open] })
    await until(async () => (await agent.fetch(url('app'))).status === 403, {
      what: 'the new policy to deny',
      withinMs: 1_000,
    })
    await stack.edit({ routes: [app(), open] })
    await until(async () => (await agent.fetch(url('app'))).status === 200, {
      what: 'the old policy to allow again',
      withinMs: 1_000,
    })
  })

  it('adds and removes a host', async () => {
    assert.equal((await get('wiki')).status, 404)
    await stack.edit({ routes: [app(), open, { from: url('wiki', ''), to: upstream.url, ...PUBLIC }] })
    await until(async () => (await get('wiki')).status === 200, { what: 'the new host', withinMs: 1_000 })
    await stack.edit({ routes: [app(), open] })
    await until(async () => (await get('wiki')).status === 404, { what: 'the host to go', withinMs: 1_000 })
  })

  it('in place, without a rename, applies too', async () => {
    const text = JSON.stringify({
      ...stack.config,
      routes: [app(), { ...open, set_response_headers: { 'x-edit': 'in place' } }],
    })
    // JSON is YAML
    await writeFile(stack.sallyport.configFile, text)
    await until(async () => (await get('public')).headers['x-edit'] === 'in place', {
      what: 'the edit in place',
      withinMs: 1_000,
    })
    await stack.edit({ routes: [app(), open] })
  })
})

describe('a bad edit', () => {
  it('whose policy tests fail is refused with a message for each, and what was served goes on', async () => {
    const tests = [
      { name: 'strangers sign in', who: 'anonymous', expect: 'sign-in' },
      {
        who: { email: 'bob@example.com', groups: ['guests'] },
        expect: 'deny',
        reason: 'groups-unauthorized',
      },
    ]
    await stack.edit({ routes: [app({ ...STAFF_ONLY, tests }), open] })
    await stack.edit({ routes: [app({ ...PUBLIC, tests }), open] })
    const line = await stack.sallyport.waitForLog('which tests failed', (each) =>
      JSON.stringify(each).includes('test failed: strangers sign in'),
    )
    const [first, second] = line['problems'] as { line: number; message: string }[]
    assert.match(
      first?.message ?? '',
      /expected sign-in, but it is allow for anonymous because of accept; criteria: allow accept: hit/,
    )
    assert.match(second?.message ?? '', /bob@example\.com GET .*: expected deny, but it is allow/)
    assert.ok((first?.line ?? 0) > 1)
    const { status } = await get('app')
    assert.equal(status, 401)
    await stack.edit({ routes: [app(), open] })
  })

  it('changes nothing, is explained with file, line and column, and heals', async () => {
    assert.equal((await get('public')).status, 200)
    await stack.edit({ routes: [app(), { ...open, allow_everyone: true }] })
    const line = await stack.sallyport.waitForLog('why the edit was refused', (each) =>
      JSON.stringify(each).includes('allow_everyone'),
    )
    assert.match(JSON.stringify(line), /config\.yaml:\d+:\d+/)
    assert.equal((await get('public')).status, 200)
    assert.match(JSON.stringify(await stack.sallyport.status()), /allow_everyone/)

    await stack.edit({ routes: [app(), { ...open, set_response_headers: { 'x-healed': 'yes' } }] })
    await until(async () => (await get('public')).headers['x-healed'] === 'yes', {
      what: 'the good edit to apply',
      withinMs: 1_000,
    })
    assert.doesNotMatch(JSON.stringify(await stack.sallyport.status()), /allow_everyone/)
  })

  it('that is no YAML at all, or empty, changes nothing', async () => {
    for (const text of ['routes: [', '', '\u0000']) {
      const before = stack.sallyport.log.length
      await stack.sallyport.write(text)
      await until(
        () => stack.sallyport.log.slice(before).some(({ level }) => level === 'error' || level === 'warn'),
        {
          what: `a complaint about ${JSON.stringify(text)}`,
          withinMs: 2_000,
        },
      )
      assert.equal((await get('public')).status, 200)
    }
    await stack.edit({ routes: [app(), open] })
  })
})

describe('requests in flight', () => {
  it('lose nothing while routes, policies and certificates change', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const cookie = agent.jar.header(new URL(url('app'))) ?? ''
    const webSocket = await openWebSocket({ url: url('app', '/ws'), ca: ca.cert, headers: { cookie } })
    const slow = get('app', '/slow?ms=1500', { cookie })

    const load = new AbortController()
    const failures: string[] = []
    let answered = 0
    const loaders = Array.from({ length: 4 }, async () => {
      while (!load.signal.aborted) {
        const { status } = await get('public', '/load').catch((error: unknown) => ({ status: String(error) }))
        answered += 1
        if (status !== 200) failures.push(String(status))
      }
    })
    for (let edit = 1; edit <= 12; edit += 1) {
      const marked = { ...open, set_response_headers: { 'x-edit': String(edit) } }
      const extra = Array.from({ length: edit }, (_, index) => ({
        from: `https://extra-${index}.localhost:${stack.edge.port}`,
        to: upstream.url,
        ...STAFF_ONLY,
      }))
      await stack.edit({ routes: [app(), marked, ...extra] })
      await until(async () => (await get('public')).headers['x-edit'] === String(edit), {
        what: `edit ${edit}`,
        withinMs: 2_000,
      })
    }
    load.abort()
    await Promise.all(loaders)
    assert.deepEqual(failures, [])
    assert.ok(answered > 20)
    assert.equal((await slow).status, 200)
    assert.equal(await ask(webSocket, 'still here'), 'echo:still here')
    webSocket.terminate()
  })

  it('keep their connection when the certificate is rotated, and new ones see the new certificate', async () => {
    const serialOf = async (): Promise<string> =>
      await new Promise((resolve, reject) => {
        const socket = tlsConnect(
          { host: '127.0.0.1', port: stack.edge.port, servername: 'app.localhost', ca: ca.cert },
          () => {
            resolve(socket.getPeerCertificate().serialNumber)
            socket.destroy()
          },
        )
        socket.once('error', reject)
      })
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const cookie = agent.jar.header(new URL(url('app'))) ?? ''
    const webSocket = await openWebSocket({ url: url('app', '/ws'), ca: ca.cert, headers: { cookie } })
    const before = await serialOf()
    const names = ['authenticate', 'app', 'public', 'wiki'].map((host) => `${host}.localhost`)
    // the file that the configuration names is overwritten; the configuration itself is untouched
    await writeKeyPair(join(stack.folder, 'tls'), 'edge', await ca.issue({ names }))
    await until(async () => (await serialOf()) !== before, { what: 'the new certificate', withinMs: 3_000 })
    assert.equal(await ask(webSocket, 'kept'), 'echo:kept')
    webSocket.terminate()
  })

  it('keep their connection when certificates are added, and when the listener is made anew', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const cookie = agent.jar.header(new URL(url('app'))) ?? ''
    const webSocket = await openWebSocket({ url: url('app', '/ws'), ca: ca.cert, headers: { cookie } })
    const health = { url: `http://127.0.0.1:${stack.edge.metricsPort}/metrics`, withinMs: 2_000 }
    const listenersSent = async (): Promise<number> => {
      const { text } = await request(health)
      return Number(/sallyport_xds_resources_total\{type="Listener"[^}]*\} (\d+)/.exec(text)?.[1])
    }
    const isServed = async (servername: string): Promise<boolean> =>
      await new Promise((resolve) => {
        const trusted = { host: '127.0.0.1', port: stack.edge.port, servername, ca: ca.cert }
        const socket = tlsConnect(trusted, () => resolve(socket.destroy().authorized))
        socket.once('error', () => resolve(false))
      })
    const certificates = [...(stack.config['certificates'] as readonly object[])]
    for (let number = 1; number <= 6; number += 1) {
      const names = [`added-${number}.example.com`]
      const { certFile, keyFile } = await writeKeyPair(
        stack.folder,
        `added-${number}`,
        await ca.issue({ names }),
      )
      certificates.push({ cert: certFile, key: keyFile })
    }
    const before = await listenersSent()
    assert.ok(before > 0)
    await stack.edit({ settings: { certificates } })
    await until(() => isServed('added-6.example.com'), { what: 'the last certificate', withinMs: 5_000 })
    assert.equal(await listenersSent(), before)
    assert.equal(await ask(webSocket, 'certificates'), 'echo:certificates')

    await stack.edit({ settings: { skip_xff_append: true } })
    await until(async () => (await listenersSent()) > before, { what: 'a new listener', withinMs: 5_000 })
    assert.equal((await get('public')).status, 200)
    assert.equal(await ask(webSocket, 'listener'), 'echo:listener')
    webSocket.terminate()
  })
})
