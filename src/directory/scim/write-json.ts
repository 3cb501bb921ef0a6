/**
 * JSON for a client, written a piece at a time: what `JSON.stringify` makes of it. Pure.
 *
 * @module
 */
import type { Work } from '../../turns.ts'
import { isObject } from './read-resource.ts'

export function* writeJson(value: unknown): Work<string> {
  const pieces: string[] = []
  yield* write(value, pieces)
  return pieces.join('')
}

function* write(value: unknown, pieces: string[]): Work<void> {
  if (!isLong(value)) pieces.push(JSON.stringify(value ?? null))
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      pieces.push(index === 0 ? '[' : ',')
      yield* write(item, pieces)
      if (index % 100 === 99) yield
    }
    pieces.push(']')
  } else if (isObject(value)) {
    let separator = '{'
    for (const [name, inner] of Object.entries(value)) {
      if (inner === undefined) continue
      pieces.push(`${separator}${JSON.stringify(name)}:`)
      separator = ','
      yield* write(inner, pieces)
    }
    pieces.push(separator === '{' ? '{}' : '}')
  }
}

/** Whether there is a long list in it. */
function isLong(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 20
  return isObject(value) && Object.values(value).some((inner) => Array.isArray(inner) && inner.length > 0)
}
