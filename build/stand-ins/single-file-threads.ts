/**
 * In place of `src/form/threads.ts` in the single file: the modules of threads are inside. No file is loaded
 * as code, so the text goes to the thread in a URL.
 *
 * @module
 */
import { getAsset } from 'node:sea'
import type * as source from '../../src/form/threads.ts'

export const threadModule: typeof source.threadModule = (name) => {
  const code = Buffer.from(getAsset(`${name}-thread.mjs`)).toString('base64')
  return new URL(`data:text/javascript;base64,${code}`)
}
