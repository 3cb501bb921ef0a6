/**
 * The modules that run in threads of their own. A build puts its own file in place of this one.
 *
 * @module
 */

/** Paths from here. `build/bundle.ts` reads this table as well. */
export const THREADS = {
  config: '../config-thread.ts',
  directory: '../directory/file-thread.ts',
  records: '../lookups/record-thread.ts',
} as const

export type ThreadName = keyof typeof THREADS

/** What `new Worker` takes. */
export function threadModule(name: ThreadName): URL {
  return new URL(THREADS[name], import.meta.url)
}
