import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { drain, requestsUnderWay } from './drain.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-drain-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Plays Envoy's admin interface: so many requests under way, answer after answer. */
async function playAdmin(
  counts: readonly number[],
): Promise<{ asked: string[]; socket: string; server: Server }> {
  const asked: string[] = []
  let turn = 0
  const server = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url?.split('?filter')[0]}`)
    const count = counts[Math.min(turn, counts.length - 1)] ?? 0
    if (request.url?.startsWith('/stats')) turn += 1
    answer.end(`http.main.downstream_rq_active: ${count}\n`)
  })
  const socket = join(folder, `${counts.join('-')}.sock`)
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  return { asked, socket, server }
}

describe('requestsUnderWay', () => {
  it('adds up the listeners, and leaves out upgraded streams', () => {
    const text = [
      'http.main.downstream_rq_active: 7',
      'http.main.downstream_cx_upgrades_active: 3',
      'http.http_redirect.downstream_rq_active: 1',
      'http.admin.downstream_rq_active: 1',
    ]
    assert.equal(requestsUnderWay(text.join('\n')), 5)
    assert.equal(requestsUnderWay(''), 0)
  })
})

describe('drain', () => {
  const limits = { delayMs: 0, timeoutMs: 60_000 }

  it('fails the health check, closes connections with their answers, and waits for what is under way', async () => {
    const { asked, socket, server } = await playAdmin([2, 1, 0])
    const waiting: number[] = []
    await drain({ ...limits, adminSocket: socket, onWaiting: (count) => void waiting.push(count) })
    server.close()
    assert.deepEqual(asked.slice(0, 2), ['POST /healthcheck/fail', 'POST /drain_listeners?graceful'])
    assert.equal(asked.filter((each) => each.startsWith('GET /stats')).length, 3)
    assert.deepEqual(waiting, [2])
  })

  it('waits no longer than it may', async () => {
    const { asked, socket, server } = await playAdmin([1])
    await drain({ delayMs: 0, timeoutMs: 50, adminSocket: socket, onWaiting: () => undefined })
    server.close()
    assert.ok(asked.length < 10)
  })

  it('takes new connections for the delay, though nothing is under way', async () => {
    const { socket, server } = await playAdmin([0, 0])
    const begun = performance.now()
    await drain({
      delayMs: 300,
      timeoutMs: 60_000,
      adminSocket: socket,
      onWaiting: () => assert.fail('nothing is waited for'),
    })
    server.close()
    assert.ok(performance.now() - begun >= 300)
  })

  it('does not wait for an Envoy that is gone', async () => {
    await drain({
      ...limits,
      adminSocket: join(folder, 'nobody.sock'),
      onWaiting: () => assert.fail('nothing is waited for'),
    })
  })
})
