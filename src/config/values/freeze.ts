/**
 * @module
 */

/** Freezes a value and all it holds; what is frozen already is taken to be frozen throughout. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const held of Object.values(value)) freezeDeep(held)
  return value
}
