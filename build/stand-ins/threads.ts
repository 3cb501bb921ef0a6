/**
 * In place of `src/form/threads.ts` in the bundle: the modules of threads lie beside the program.
 *
 * @module
 */
import type * as source from '../../src/form/threads.ts'

export const threadModule: typeof source.threadModule = (name) =>
  new URL(`./${name}-thread.mjs`, import.meta.url)
