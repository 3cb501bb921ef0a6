/**
 * What happens to names in folders, as the system tells it.
 *
 * A watch hangs on a folder, not on its name: a folder that was removed and made anew is another one. So
 * whoever uses this names the folders again from time to time, and each that is another by now is watched
 * anew.
 *
 * @module
 */

import { type FSWatcher, statSync, watch } from 'node:fs'

/**
 * `replaced`: a name came, went or was renamed over. `written`: the content or the rights of a file changed.
 */
export type FolderEvent = 'replaced' | 'written'

interface Watched {
  readonly identity: string
  readonly watcher: FSWatcher
}

export class FolderEvents implements Disposable {
  readonly #onEvent: (event: FolderEvent, folder: string, name: string | undefined) => void
  readonly #watched = new Map<string, Watched>()
  #blind: ReadonlySet<string> = new Set()

  /**
   * @param onEvent without a name when the folder itself changed, or the system does not say which name did
   */
  constructor(onEvent: (event: FolderEvent, folder: string, name: string | undefined) => void) {
    this.#onEvent = onEvent
  }

  /**
   * Folders of which the system tells nothing: there are none of this name, or it has no more watches to
   * give.
   */
  get blind(): ReadonlySet<string> {
    return this.#blind
  }

  /**
   * Watches these folders and no others. @returns those that were not watched before, or are others by now
   */
  follow(folders: readonly string[]): readonly string[] {
    const blind = new Set<string>()
    const fresh = folders.filter((folder) => {
      const identity = identityOf(folder)
      const known = this.#watched.get(folder)
      if (known !== undefined && known.identity === identity) return false
      this.#drop(folder)
      if (identity !== undefined && this.#open(folder, identity)) return true
      blind.add(folder)
      return false
    })
    const wanted = new Set(folders)
    for (const folder of this.#watched.keys()) if (!wanted.has(folder)) this.#drop(folder)
    this.#blind = blind
    return fresh
  }

  [Symbol.dispose](): void {
    for (const folder of this.#watched.keys()) this.#drop(folder)
  }

  #open(folder: string, identity: string): boolean {
    try {
      const watcher = watch(folder, (kind, name) =>
        this.#onEvent(kind === 'rename' ? 'replaced' : 'written', folder, name ?? undefined),
      )
      // It is opened anew when the folders are next named.
      watcher.on('error', () => this.#drop(folder))
      this.#watched.set(folder, { identity, watcher })
      return true
    } catch {
      return false
    }
  }

  #drop(folder: string): void {
    this.#watched.get(folder)?.watcher.close()
    this.#watched.delete(folder)
  }
}

function identityOf(folder: string): string | undefined {
  try {
    const { dev, ino, birthtimeNs } = statSync(folder, { bigint: true })
    // A number is given again as soon as it is free: the time of birth tells the two apart.
    return `${dev}:${ino}:${birthtimeNs}`
  } catch {
    return undefined
  }
}
