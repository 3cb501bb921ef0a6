/**
 * One sign-in at a time for one server: `kubectl` starts several of its plugins at once, and each would open
 * a browser.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCodeOf } from '../../errors.ts'
import type { PrivateFolder } from './private-folder.ts'

const LOOK_EVERY_MS = 200
/** Longer than any sign-in takes: by then its number may be that of another process. */
const LONGEST_MS = 15 * 60_000

export interface Lock {
  readonly folder: PrivateFolder
  readonly name: string
  /** Told once, when another process has it. */
  readonly onWait: () => void
}

/** Runs `work` while no other process does. */
export async function alone<T>({ folder, name, onWait }: Lock, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${Date.now()} ${randomBytes(8).toString('hex')}`
  let isTold = false
  while (!folder.create(name, mine)) {
    const holder = folder.read(name)
    // Looked at again, since the next process may have taken it meanwhile.
    if (holder !== undefined && !isAlive(holder) && folder.read(name) === holder) {
      folder.remove(name)
      continue
    }
    if (!isTold) onWait()
    isTold = true
    await pause(LOOK_EVERY_MS)
  }
  try {
    return await work()
  } finally {
    if (folder.read(name) === mine) folder.remove(name)
  }
}

/** One that was killed leaves its lock behind. */
function isAlive(holder: string): boolean {
  const [pid = 0, since = 0] = holder.split(' ').map(Number)
  if (!Number.isInteger(pid) || pid <= 0 || !(Date.now() - since < LONGEST_MS)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCodeOf(error) === 'EPERM'
  }
}
