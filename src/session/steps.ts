/**
 * Work in steps that waits only where it must: over a driver that answers at once it is done at once.
 *
 * A check that finds its session in memory must not wait for a turn of the event loop, and neither must one
 * whose session comes from a file. The same code serves a driver that answers later.
 *
 * @module
 */
import { Fault } from '../errors.ts'
import type { MaybePromise } from './store.ts'

/** Yields what is still awaited. */
export type Steps<T> = Generator<Promise<void>, T, undefined>

/** `yield* answerOf(asked)` is to `Steps` what `await asked` is to an async function. */
export function* answerOf<T>(asked: MaybePromise<T>): Steps<T> {
  if (!(asked instanceof Promise)) return asked
  const answers: T[] = []
  yield asked.then((answer) => void answers.push(answer))
  for (const answer of answers) return answer
  throw new Error('a step was taken before its answer had come')
}

/** All steps: at once if none has to wait. */
export function run<T>(steps: Steps<T>): MaybePromise<T> {
  const step = steps.next()
  return step.done === true ? step.value : finish(steps, step.value)
}

async function finish<T>(steps: Steps<T>, first: Promise<void>): Promise<T> {
  for (let awaited = first; ; ) {
    const failure = await awaited.then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    const step = failure === undefined ? steps.next() : steps.throw(failure.error)
    if (step.done === true) return step.value
    awaited = step.value
  }
}

/** `next` with the answer: at once if it is there. */
export function whenAnswered<T, R>(
  asked: MaybePromise<T>,
  next: (answer: T) => MaybePromise<R>,
): MaybePromise<R> {
  return asked instanceof Promise ? later(asked, next) : next(asked)
}

async function later<T, R>(asked: Promise<T>, next: (answer: T) => MaybePromise<R>): Promise<R> {
  return await next(await asked)
}

/** For what must not be lost by a store that fails, and can be made up for later. */
export function* quietly(act: () => MaybePromise<void>): Steps<void> {
  try {
    yield* answerOf(act())
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

/** The same, of which nobody awaits the end. */
export function leftToLater(act: () => MaybePromise<void>): void {
  void run(quietly(act))
}
