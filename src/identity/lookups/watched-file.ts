/**
 * Says when a file has changed, however that is done: written, renamed over, or a link on its way turned round.
 *
 * By asking once a second, since folders that are mounted into containers tell of nothing.
 *
 * @module
 */
import { unwatchFile, watchFile } from 'node:fs'

const EVERY_MS = 1000

/** A file that comes or goes has changed too. */
export function watchFileChanges(path: string, onChange: () => void): Disposable {
  watchFile(path, { interval: EVERY_MS, persistent: false }, onChange)
  return { [Symbol.dispose]: () => unwatchFile(path, onChange) }
}
