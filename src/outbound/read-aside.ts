/**
 * Reads a long text in a thread of its own, and brings the rows over a few at a time: no check waits for
 * either.
 *
 * The thread lives for one text. What goes wrong in it, for lack of memory too, fails that one reading.
 *
 * @module
 */
import { stat } from 'node:fs/promises'
import { deserialize, serialize } from 'node:v8'
import { parentPort, Worker } from 'node:worker_threads'
import { inTurns, type Work } from '../turns.ts'

/** What is wrong with a text, or its rows. */
export type Rows<Wrong, Row> = { readonly wrong: Wrong } | { readonly rows: readonly Row[] }

type Answer<Wrong> = { readonly wrong: Wrong } | { readonly parts: readonly Uint8Array<ArrayBuffer>[] }

/** Below this a text is read where it is needed: that takes a few milliseconds, and a thread takes memory. */
const LONGEST_HERE = 16 * 1024

/** Whether it is worth a thread; of a file that can't be asked the reader tells what is wrong. */
export async function isLongFile(path: string): Promise<boolean> {
  return ((await stat(path).catch(() => undefined))?.size ?? 0) > LONGEST_HERE
}

export const isLongText = (bytes: Uint8Array): boolean => bytes.length > LONGEST_HERE

/**
 * @param thread a module that calls `answerWith`
 * @param request what it is asked; bytes in it are moved there
 */
export async function readAside<Wrong, Row>(
  thread: URL,
  request: object,
  signal: AbortSignal,
): Promise<Rows<Wrong, Row>> {
  signal.throwIfAborted()
  const bytes = Object.values(request).filter((value) => value instanceof Uint8Array)
  const worker = new Worker(thread, {
    workerData: request,
    transferList: bytes.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer),
  })
  const end = () => void worker.terminate()
  signal.addEventListener('abort', end)
  try {
    const answer = await answerOf<Wrong>(worker)
    return 'wrong' in answer ? answer : { rows: await inTurns(opening<Row>(answer.parts)) }
  } finally {
    signal.removeEventListener('abort', end)
    await worker.terminate()
  }
}

async function answerOf<Wrong>(worker: Worker): Promise<Answer<Wrong>> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer<Wrong>>()
  worker.on('message', resolve)
  worker.on('error', reject)
  worker.on('exit', () => reject(new Error('the thread that reads it is gone')))
  return await promise
}

function* opening<Row>(parts: readonly Uint8Array[]): Work<readonly Row[]> {
  const rows: Row[] = []
  for (const part of parts) {
    const some: readonly Row[] = deserialize(part)
    for (const row of some) rows.push(row)
    yield
  }
  return rows
}

/** The other end, in the thread, which has its request as `workerData`. */
export function answerWith<Wrong, Row>(found: Rows<Wrong, Row>, weightOf: (row: Row) => number): void {
  const answer: Answer<Wrong> = 'wrong' in found ? found : { parts: partsOf(found.rows, weightOf) }
  parentPort?.postMessage(answer, 'parts' in answer ? answer.parts.map(({ buffer }) => buffer) : [])
}

/** A part takes about a millisecond to open. */
const HEAVIEST_PART = 300

function partsOf<Row>(rows: readonly Row[], weightOf: (row: Row) => number): Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let some: Row[] = []
  let weight = 0
  const close = () => {
    if (some.length > 0) parts.push(new Uint8Array(serialize(some)))
    some = []
    weight = 0
  }
  for (const row of rows) {
    some.push(row)
    weight += weightOf(row)
    if (weight >= HEAVIEST_PART) close()
  }
  close()
  return parts
}
