/**
 * What an operator sees from outside: logs, health, metrics.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { freePort } from '../harness/ports.ts'
import { PUBLIC, STAFF_ONLY, startStack } from '../harness/stack.ts'
import { until } from '../harness/until.ts'

const stack = await startStack({
  routes: ({ upstream, url }) => [
    { from: url('app', ''), to: upstream.url, ...STAFF_ONLY, name: 'the-app' },
    { from: url('public', ''), to: upstream.url, ...PUBLIC },
  ],
})
after(() => stack[Symbol.asyncDispose]())
const { url, ca, edge } = stack

const health = async (path: string) => await request({ url: `http://127.0.0.1:${edge.healthPort}${path}` })
const metrics = async (): Promise<string> =>
  (await request({ url: `http://127.0.0.1:${edge.metricsPort}/metrics` })).text

/** Sum over all label sets of a series. */
const valueOf = (text: string, name: RegExp): number =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('#') && name.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)

describe('logs', () => {
  it('are JSON lines only, the access log of Envoy included', async () => {
    await request({
      url: url('public', '/a?secret=1'),
      ca: ca.cert,
      headers: { 'user-agent': 'a "quoted"\tagent' },
    })
    const line = await stack.sallyport.waitForLog(
      'the access',
      (each) => each.msg === 'http-request' && each['path'] === '/a',
    )
    for (const field of [
      'upstream-cluster',
      'method',
      'authority',
      'path',
      'user-agent',
      'referer',
      'forwarded-for',
      'request-id',
      'duration',
      'size',
      'response-code',
      'response-code-details',
    ]) {
      assert.ok(field in line, field)
    }
    assert.equal(line['method'], 'GET')
    assert.equal(Number(line['response-code']), 200)
    const strange = stack.sallyport.process.stdout.filter(
      (each) => each.trim() !== '' && !each.startsWith('{'),
    )
    assert.deepEqual(strange, [])
  })

  it('have no query strings, cookies, codes or tokens', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app', '/page?token=hunter2'))
    await until(() => stack.sallyport.log.some((line) => line['path'] === '/page'), {
      what: 'the decision in the log',
    })
    const all = stack.sallyport.process.lines.join('\n')
    assert.doesNotMatch(all, /hunter2/)
    assert.doesNotMatch(all, /eyJ[\w-]{10,}\.[\w-]{10,}/)
    for (const { value } of agent.jar.all.filter(({ host }) => host.endsWith('.localhost'))) {
      assert.ok(!all.includes(value), 'a cookie is in the log')
    }
    assert.ok(!all.includes(stack.provider.clientSecret))
    assert.ok(!all.includes(String(stack.config['shared_secret'])))
  })

  it('stay one line each, whatever the client sends as its id or path', async () => {
    const evil = 'x'.repeat(8_000)
    for (const id of [evil, '<script>alert(1)</script>', '{"level":"fatal"}']) {
      const response = await request({
        url: url('public', '/id'),
        ca: ca.cert,
        headers: { 'x-request-id': id },
      })
      assert.match(response.headers['x-request-id'] ?? '', /^[\da-f-]{36}$/)
    }
    await until(() => stack.sallyport.log.some((line) => line['path'] === '/id'), { what: 'the access log' })
    assert.ok(!stack.sallyport.process.lines.some((line) => line.includes(evil)))
  })

  it('name who, which route and why for an allowed request', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    await agent.fetch(url('app', '/allowed'))
    const line = await stack.sallyport.waitForLog(
      'the decision',
      (each) => each.msg === 'authorize check' && each['path'] === '/allowed',
    )
    assert.equal(line['allow'], true)
    assert.equal(line['email'], 'alice@example.com')
    assert.equal(line['host'] === 'app.localhost' || line['host'] === new URL(url('app')).host, true)
    assert.ok(line['route-id'])
    assert.match(JSON.stringify(line['allow-why-true']), /groups-ok/)
  })
})

describe('health', () => {
  it('is 200 on its own listener', async () => {
    assert.equal((await health('/healthz')).status, 200)
    assert.equal((await health('/readyz')).status, 200)
  })

  it('tells the generation', async () => {
    assert.match((await health('/status')).text, /generation/)
  })
})

describe('metrics', () => {
  it('count checks, sessions, generations and NACKs', async () => {
    const agent = stack.agent()
    await stack.signIn(agent, url('app'))
    const before = await metrics()
    assert.ok(valueOf(before, /^sallyport_\w*session/) >= 1, before)
    for (let index = 0; index < 5; index += 1) await agent.fetch(url('app', '/counted'))
    const later = await metrics()
    assert.ok(
      valueOf(later, /^sallyport_\w*check\w*_total/) >= valueOf(before, /^sallyport_\w*check\w*_total/) + 5,
      later,
    )
    assert.match(later, /^sallyport_\w*generation/m)
    assert.match(later, /^sallyport_\w*nack/m)
  })
})

const nacks = async () => valueOf(await metrics(), /^sallyport_xds_nacks_total/)
const isRefused = async () => valueOf(await metrics(), /^sallyport_config_refused/) === 1
const redirected = async () =>
  (
    await request({
      url: `http://127.0.0.1:${edge.redirectPort}/`,
      headers: { host: 'app.localhost' },
    })
  ).status

describe('a port that somebody else has', () => {
  it('is a mistake of the file: told in status, readiness, log and metrics, while the old one stays', async () => {
    const taken = await freePort()
    const holder = createServer().listen(taken, '127.0.0.1')
    const words = new RegExp(`http_redirect_addr.*127.0.0.1:${taken}`)
    try {
      await stack.edit({ settings: { http_redirect_addr: `127.0.0.1:${taken}` } })
      await until(isRefused, { what: 'the refusal' })
      const readiness = await health('/readyz')
      assert.equal(readiness.status, 200, 'what is in force is served')
      assert.match(readiness.text, /not taken, the last good one stays/)
      assert.match((await health('/status')).text, words)
      await stack.sallyport.waitForLog(
        'the refusal',
        (line) => line.level === 'error' && words.test(JSON.stringify(line['problems']) + line.msg),
      )
      assert.equal(await nacks(), 0, 'Envoy was not asked')
      assert.equal(await redirected(), 301)
      assert.equal((await request({ url: url('public'), ca: ca.cert })).status, 200)
    } finally {
      holder.close()
      await stack.edit({ settings: { http_redirect_addr: `127.0.0.1:${edge.redirectPort}` } })
    }
    await until(async () => !(await isRefused()), { what: 'the refusal to be over' })
    assert.equal(await redirected(), 301)
  })
})
