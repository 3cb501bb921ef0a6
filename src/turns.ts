/**
 * Work over many rows that does not hold the thread: it says where it may pause, and goes on when others had
 * their turn.
 *
 * @module
 */

/** Each `yield` is a place to pause. Between two of them there is a millisecond of work, or little more. */
export type Work<T> = Generator<undefined, T, undefined>

/** All of it, in one piece: for work that is known to be small. */
export function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const TURN_MS = 4

/** A piece at a time, and between two pieces whatever else has to be done. */
export async function inTurns<T>(work: Work<T>): Promise<T> {
  for (;;) {
    await myTurn()
    const until = performance.now() + TURN_MS
    do {
      const step = work.next()
      if (step.done === true) return step.value
    } while (performance.now() < until)
  }
}

const waiting: (() => void)[] = []
let isDue = false

/** One piece in each round of the event loop, however many requests wait for one. */
function myTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting.push(resolve)
  if (!isDue) setImmediate(grantTurn)
  isDue = true
  return promise
}

function grantTurn(): void {
  waiting.shift()?.()
  isDue = waiting.length > 0
  if (isDue) setImmediate(grantTurn)
}

/** Calls `act` with each of a long list, and pauses now and then: sooner where one item is much work. */
export function* each<T>(items: Iterable<T>, act: (item: T) => void, pauseAfter = PAUSE_AFTER): Work<void> {
  let count = 0
  for (const item of items) {
    act(item)
    count += 1
    if (count % pauseAfter === 0) yield
  }
}

const PAUSE_AFTER = 100
