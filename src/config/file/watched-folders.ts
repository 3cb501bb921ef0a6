/**
 * Which folders must be watched so that no change of a file goes unseen, however it is made.
 *
 * A file is replaced by renaming another over it (editors), or a symbolic link on the way to it is swapped
 * (Kubernetes turns `..data` round). Both happen in a folder, so folders are watched: that of the file and
 * that of each link.
 *
 * @module
 */

import { lstatSync, readlinkSync } from 'node:fs'
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path'

/** As many links as Linux follows. */
const MOST_LINKS = 40

/** Folder → names in it whose change can change the file. */
export type WatchedFolders = ReadonlyMap<string, ReadonlySet<string>>

export function watchedFolders(paths: readonly string[]): WatchedFolders {
  const folders = new Map<string, Set<string>>()
  const watch = (path: string) => {
    const folder = dirname(path)
    const names = folders.get(folder) ?? new Set<string>()
    folders.set(folder, names.add(path.slice(folder.length).replace(sep, '')))
  }
  // Many files lie in one folder: each step on the way is looked at once.
  const targets = new Map<string, string | undefined>()
  const targetOf = (path: string): string | undefined => {
    if (!targets.has(path)) targets.set(path, linkTarget(path))
    return targets.get(path)
  }
  for (const path of paths) follow(resolve(path), watch, targetOf)
  return folders
}

function follow(
  path: string,
  watch: (path: string) => void,
  targetOf: (path: string) => string | undefined,
): void {
  let links = 0
  let { root: done } = parse(path)
  let rest = path.slice(done.length).split(sep).filter(Boolean)
  while (rest.length > 0) {
    const at = join(done, rest[0] ?? '')
    rest = rest.slice(1)
    const target = targetOf(at)
    if (target === 'missing') return watch(at)
    if (target === undefined) {
      if (rest.length === 0) watch(at)
      done = at
      continue
    }
    watch(at)
    links += 1
    if (links > MOST_LINKS) return
    const next = isAbsolute(target) ? target : join(done, target)
    done = parse(next).root
    rest = [...next.slice(done.length).split(sep).filter(Boolean), ...rest]
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return 'missing'
  }
}
