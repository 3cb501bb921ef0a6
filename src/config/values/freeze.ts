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

/** What `freezeDeep` makes of a value, told to the compiler. */
export type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T
