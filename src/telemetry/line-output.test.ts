import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { lineOutput, type Sink } from './line-output.ts'

type Done = (error: unknown, count: number) => void

/** Takes bytes only when the test says so. */
class HeldSink implements Sink {
  text = ''
  readonly #held: { readonly bytes: Buffer; readonly done: Done }[] = []

  start(bytes: Buffer, done: Done): void {
    this.#held.push({ bytes, done })
  }

  finish(bytes: Buffer): number {
    this.text += bytes.toString()
    return bytes.length
  }

  take(count = Number.MAX_SAFE_INTEGER): void {
    const { bytes, done } = this.#next()
    const taken = bytes.subarray(0, count)
    this.text += taken.toString()
    done(undefined, taken.length)
  }

  fail(code: string): void {
    this.#next().done(Object.assign(new Error(code), { code }), 0)
  }

  get isAsked(): boolean {
    return this.#held.length > 0
  }

  #next() {
    const held = this.#held.shift()
    assert.ok(held, 'nothing was to be written')
    return held
  }
}

function outputTo(sink: Sink, mostWaitingBytes?: number) {
  const lost: number[] = []
  const gone: true[] = []
  const output = lineOutput({
    sink,
    onLost: (lines) => void lost.push(lines),
    onGone: () => void gone.push(true),
    ...(mostWaitingBytes !== undefined && { mostWaitingBytes }),
  })
  return { output, lost, gone }
}

const LONG = `${'x'.repeat(40_000)}\n`

describe('the output of lines', () => {
  it('gathers lines, and keeps the order of strings and buffers', async () => {
    const sink = new HeldSink()
    const { output } = outputTo(sink)
    output.write('one ä\n')
    output.write(Buffer.from('two\nthree\n'))
    output.write('four\n')
    assert.equal(sink.isAsked, false)
    const flushed = output.flush()
    sink.take()
    await flushed
    assert.equal(sink.text, 'one ä\ntwo\nthree\nfour\n')
  })

  it('writes by itself before long', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const { output } = outputTo({ start: (bytes) => resolve(bytes.toString()), finish: () => 0 })
    output.write('line\n')
    assert.equal(await promise, 'line\n')
  })

  it('goes on where a write ended early, one write at a time', () => {
    const sink = new HeldSink()
    const { output } = outputTo(sink)
    output.write(LONG)
    output.write(Buffer.from(LONG))
    output.write(LONG.repeat(3))
    while (sink.isAsked) {
      sink.take(7000)
    }
    assert.equal(sink.text, LONG.repeat(5))
  })

  it('tries again after a full disk', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const sink = new HeldSink()
    const { output } = outputTo(sink)
    output.write(LONG)
    sink.fail('ENOSPC')
    assert.equal(sink.isAsked, false)
    t.mock.timers.tick(1000)
    sink.take()
    assert.equal(sink.text, LONG)
  })

  it('counts the lines that found no room, and says so once others get through', () => {
    const sink = new HeldSink()
    const { output, lost } = outputTo(sink, 100_000)
    for (let n = 0; n < 5; n++) output.write(LONG)
    assert.deepEqual(lost, [])
    while (sink.isAsked) sink.take()
    assert.deepEqual([sink.text.length, lost, output.lost], [2 * LONG.length, [3], 3])
  })

  it('keeps nothing for a reader that is gone, says so once and counts on', async () => {
    const sink = new HeldSink()
    const { output, lost, gone } = outputTo(sink)
    output.write(LONG)
    output.write(LONG)
    assert.equal(output.isGone, false)
    sink.fail('EPIPE')
    output.write(LONG)
    assert.equal(sink.isAsked, false)
    await output.flush()
    assert.deepEqual([output.isGone, gone, output.lost, lost], [true, [true], 3, []])
  })

  for (const end of ['process.exit(0)', 'throw new Error("planned")', '']) {
    it(`loses nothing when the process ends by ${end || 'having nothing to do'}`, async () => {
      const program = `
        import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}
        const { logger } = createLogger({ level: 'info' })
        for (let n = 0; n < 2000; n++) logger.info({ n, text: 'x'.repeat(100) }, 'line')
        ${end}`
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const chunks: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
      await once(child, 'close')
      const lines = Buffer.concat(chunks).toString().trimEnd().split('\n')
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as { n: number }).n),
        Array.from({ length: 2000 }, (_, n) => n),
      )
    })
  }
})
