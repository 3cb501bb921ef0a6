/**
 * Lines in batches: a line costs a copy into a buffer, not a system call.
 *
 * All lines of the process go through one of these, one batch after the other, so that lines of different
 * sources are never written into each other.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { fstatSync, writeSync } from 'node:fs'

/** A batch is written when it holds this much, or when its time is up. */
const BATCH_BYTES = 32 * 1024
const BUFFER_BYTES = 2 * BATCH_BYTES
/** How long a line may wait in memory before it is written. */
const FLUSH_INTERVAL_MS = 100
/** After a pipe was full, or a disk. */
const RETRY_MS = 50
/** What may wait for a reader that has stopped reading; beyond it lines are lost, and counted. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024
/** How long the end of the process waits for such a reader. */
const LAST_CHANCE_MS = 1000
/** No UTF-16 unit takes more bytes of UTF-8. */
const MOST_BYTES_PER_UNIT = 3
const NEWLINE = 0x0a

/** The reader is gone for good. */
const GONE: readonly unknown[] = ['EPIPE', 'EBADF', 'ERR_STREAM_DESTROYED']

/** Writes some of the bytes and tells how many, or what went wrong. */
export interface Sink {
  start(bytes: Buffer, done: (error: unknown, count: number) => void): void
  /** At the end of the process, when nothing can be waited for. @throws when nothing can be written now */
  finish(bytes: Buffer): number
}

export interface LineOutput {
  /**
   * @param lines whole ones, each with its line break; a buffer must not change any more
   */
  write(lines: string | Buffer): void
  /** Resolves when all is written, or nobody reads it. */
  flush(): Promise<void>
  /** Lines that nobody will ever read. */
  readonly lost: number
  /** Whether the reader is gone for good. */
  readonly isGone: boolean
}

/**
 * Standard output. A pipe that is full is waited for aside, so that a reader who has stopped reading holds up
 * nobody; on the thread pool every write would do so too, but waking a thread costs more than writing.
 */
export function standardOutput(): Sink {
  const { stdout } = process
  const stat = fstatSync(stdout.fd)
  const isStream = stat.isFIFO() || stat.isSocket()
  // Errors are told to `done` as well; without a listener they would end the process.
  if (isStream) stdout.on('error', () => {})
  return {
    start(bytes, done) {
      if (isStream) {
        stdout.write(bytes, (error) => done(error, bytes.length))
        return
      }
      let count = 0
      let failure: unknown
      try {
        count = writeSync(stdout.fd, bytes)
      } catch (error) {
        failure = error
      }
      done(failure, count)
    },
    finish: (bytes) => writeSync(stdout.fd, bytes),
  }
}

/**
 * @param options.onLost told how many lines were lost, as soon as others get through again
 * @param options.onGone told once that the reader is gone for good
 */
export function lineOutput(options: {
  readonly sink: Sink
  readonly onLost: (lines: number) => void
  readonly onGone: () => void
  readonly mostWaitingBytes?: number
}): LineOutput {
  const { sink, onLost, onGone, mostWaitingBytes = MOST_WAITING_BYTES } = options
  let batch = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  let filled = 0
  let queue: Buffer[] = []
  let waitingBytes = 0
  /** The batch that is being written, and whether it is in the system's hands or waits to be tried again. */
  let current: Buffer | undefined
  let isUnderWay = false
  let isGone = false
  /** Since the last word about them, and in all. */
  let lostLines = 0
  let lostInAll = 0
  let onDrain: (() => void)[] = []

  setInterval(handOver, FLUSH_INTERVAL_MS).unref()
  process.on('exit', writeRest)

  function handOver(): void {
    if (filled === 0) return
    enqueue(batch.subarray(0, filled))
    batch = Buffer.allocUnsafeSlow(BUFFER_BYTES)
    filled = 0
  }

  function enqueue(bytes: Buffer): void {
    if (isGone || waitingBytes + bytes.length > mostWaitingBytes) return lose(bytes)
    queue.push(bytes)
    waitingBytes += bytes.length
    if (current === undefined) writeNext()
  }

  function lose(bytes: Buffer): void {
    for (const byte of bytes) {
      if (byte !== NEWLINE) continue
      lostInAll += 1
      if (!isGone) lostLines += 1
    }
  }

  function writeNext(): void {
    current ??= queue.shift()
    if (current === undefined) return drained()
    isUnderWay = true
    sink.start(current, written)
  }

  function written(error: unknown, count: number): void {
    isUnderWay = false
    if (error === undefined || error === null) {
      waitingBytes -= count
      current = current === undefined || count === current.length ? undefined : current.subarray(count)
      writeNext()
    } else if (error instanceof Error && 'code' in error && GONE.includes(error.code)) {
      isGone = true
      for (const bytes of [...(current === undefined ? [] : [current]), ...queue]) lose(bytes)
      current = undefined
      queue = []
      waitingBytes = 0
      onGone()
      drained()
    } else setTimeout(writeNext, RETRY_MS).unref()
  }

  function drained(): void {
    const listeners = onDrain
    onDrain = []
    for (const listener of listeners) listener()
    if (lostLines === 0) return
    const count = lostLines
    lostLines = 0
    onLost(count)
  }

  /** At the end of the process, when nothing can be waited for. */
  function writeRest(): void {
    handOver()
    const rest = [...(current === undefined || isUnderWay ? [] : [current]), ...queue]
    const until = performance.now() + LAST_CHANCE_MS
    for (let bytes of rest) {
      while (bytes.length > 0 && performance.now() < until) {
        try {
          bytes = bytes.subarray(sink.finish(bytes))
        } catch {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
        }
      }
    }
  }

  return {
    write(lines) {
      const isText = typeof lines === 'string'
      const most = isText ? lines.length * MOST_BYTES_PER_UNIT : lines.length
      if (most > BUFFER_BYTES - filled) handOver()
      if (most > BUFFER_BYTES) enqueue(isText ? Buffer.from(lines) : lines)
      else filled += isText ? batch.write(lines, filled) : lines.copy(batch, filled)
      if (filled >= BATCH_BYTES) handOver()
    },
    get lost() {
      return lostInAll
    },
    get isGone() {
      return isGone
    },
    async flush() {
      handOver()
      if (waitingBytes === 0) return
      await new Promise<void>((resolve) => {
        onDrain.push(resolve)
        setTimeout(resolve, LAST_CHANCE_MS).unref()
      })
    },
  }
}
