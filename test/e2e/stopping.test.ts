/**
 * Being told to stop: requests under way are answered, within limits, and clients are sent elsewhere; an
 * Envoy that hangs is replaced.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectHttp2, type HttpResponse, request } from '../harness/http-client.ts'
import { PUBLIC, type Stack, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'
import { openWebSocket } from '../harness/web-socket.ts'

const start = async (settings: Readonly<Record<string, unknown>>): Promise<Stack> =>
  await startStack({
    settings,
    routes: ({ upstream, url }) => [
      { from: url('public', ''), to: upstream.url, ...PUBLIC, allow_websockets: true },
    ],
  })

/** Begins requests, over both versions, and waits until the app has them. */
async function begin(stack: Stack, ms: number): Promise<Promise<HttpResponse>[]> {
  const { ca, upstream } = stack
  const answers = (['1.1', '2'] as const).map(async (version) => {
    return await request({
      url: stack.url('public', `/slow?ms=${ms}`),
      ca: ca.cert,
      version,
      withinMs: 60_000,
    })
  })
  for (const answer of answers) answer.catch(() => undefined)
  await until(() => upstream.requests.length === answers.length, { what: 'the app to have the requests' })
  return answers
}

const readiness = async (stack: Stack): Promise<HttpResponse> =>
  await request({ url: `http://127.0.0.1:${stack.edge.healthPort}/readyz` })

describe('SIGTERM', () => {
  it('lets requests under way end, says that it is not ready, and closes connections with their answers', async () => {
    await using stack = await start({ drain_timeout: '30s' })
    const { ca } = stack
    const session = connectHttp2(new URL(stack.url('public')), ca.cert)
    session.on('error', () => undefined)
    const goAway = new Promise((resolve) => session.once('goaway', resolve))
    const socket = await openWebSocket({ url: stack.url('public', '/'), ca: ca.cert })
    stack.upstream.drain()
    const answers = await begin(stack, 3_000)
    stack.sallyport.process.signal('SIGTERM')
    await until(async () => (await readiness(stack)).text.includes('is being stopped'), { what: 'not ready' })
    await stack.sallyport.waitForLog('what it waits for', ({ msg }) =>
      /waiting for requests under way/.test(msg ?? ''),
    )
    // Whoever comes now is still served, and told to go elsewhere.
    const late = await request({ url: stack.url('public', '/late'), ca: ca.cert })
    assert.deepEqual([late.status, late.headers['connection']], [200, 'close'])
    const stream = session.request({ ':path': '/late', ':authority': new URL(stack.url('public')).host })
    stream.resume().end()
    await goAway
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200)
    // The WebSocket is not waited for.
    const { code } = await stack.sallyport.process.exited
    assert.ok(code === 0 || code === 143)
    socket.terminate()
    session.destroy()
  })

  it('waits no longer than drain_timeout', async () => {
    await using stack = await start({ drain_timeout: '500ms' })
    const answers = await begin(stack, 60_000)
    stack.sallyport.process.signal('SIGTERM')
    await stack.sallyport.process.exited
    const ends = await Promise.allSettled(answers)
    assert.ok(ends.every((end) => end.status === 'rejected' || end.value.status !== 200))
  })

  it('stops at once when it comes again', async () => {
    await using stack = await start({ drain_timeout: '10m' })
    const answers = await begin(stack, 60_000)
    const below = stack.sallyport.descendants()
    stack.sallyport.process.signal('SIGTERM')
    await stack.sallyport.waitForLog('what it waits for', ({ msg }) => /a second signal/.test(msg ?? ''))
    stack.sallyport.process.signal('SIGTERM')
    await stack.sallyport.process.exited
    assert.ok(below.length > 0)
    const ends = await Promise.allSettled(answers)
    assert.ok(ends.every(({ status }) => status === 'rejected'))
    await until(() => stack.sallyport.descendants().length === 0, { what: 'Envoy to end too' })
  })

  it('ends in no time when nothing is under way', async () => {
    await using stack = await start({ drain_timeout: '10m' })
    stack.sallyport.process.signal('SIGTERM')
    await stack.sallyport.process.exited
    assert.ok(!stack.sallyport.log.some(({ msg }) => /waiting for requests/.test(msg ?? '')))
  })
})

describe('a changed listener', () => {
  it('does not end the streams that are open', async () => {
    await using stack = await start({})
    const { ca } = stack
    const socket = await openWebSocket({ url: stack.url('public', '/'), ca: ca.cert })
    let isClosed = false
    socket.once('close', () => {
      isClosed = true
    })
    const admin = `${stack.sallyport.stateDir}/run/admin.sock`
    const { askAdmin } = await import('../../envoy/admin.ts')
    const drainSeconds = async (): Promise<string> =>
      (await askAdmin(admin, '/server_info')).body.match(/"drain_time": "(\d+)s"/)?.[1] ?? ''
    assert.equal(await drainSeconds(), '86400')
    await stack.edit({ settings: { timeout_idle: '7m' } })
    await until(
      async () =>
        /total_(?:listeners|filter_chains)_draining: [1-9]/.test(
          (await askAdmin(admin, '/stats?filter=_draining')).body,
        ),
      { what: 'the old listener to drain' },
    )
    const echoed = new Promise((resolve) => socket.once('message', resolve))
    socket.send('still here')
    await echoed
    assert.equal(isClosed, false)
    socket.terminate()
  })
})
