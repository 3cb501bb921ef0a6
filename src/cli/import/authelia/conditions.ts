/**
 * Conditions as alternatives of atoms that must all hold, with their opposites.
 *
 * Policies of ours have no order and no opposite of an "and", so a list of rules in which the first that fits
 * decides is written out as alternatives.
 *
 * @module
 */
import { otherRanges } from './networks.ts'

export type Atom =
  | { readonly is: 'group' | 'user'; readonly name: string; readonly not: boolean }
  | { readonly is: 'network'; readonly ranges: readonly string[] }
  | { readonly is: 'method'; readonly methods: readonly string[]; readonly not: boolean }
  | { readonly is: 'signed-in' | 'second-factor' }

/** All of one of them hold. None: never; one without atoms: always. */
export type Alternatives = readonly (readonly Atom[])[]

export const ALWAYS: Alternatives = [[]]
export const NEVER: Alternatives = []

/** Further ones are left out, which lets nobody in who was not. */
export const MOST_ALTERNATIVES = 128

const textOf = (atom: Atom): string => JSON.stringify(atom)

function isOpposite(one: Atom, other: Atom): boolean {
  return (
    'not' in one &&
    'not' in other &&
    one.not !== other.not &&
    textOf({ ...one, not: other.not }) === textOf(other)
  )
}

/** `undefined` for atoms that can't all hold. */
function merged(one: readonly Atom[], other: readonly Atom[]): readonly Atom[] | undefined {
  const atoms = [...one]
  for (const atom of other) {
    if (atoms.some((known) => isOpposite(known, atom))) return undefined
    if (!atoms.some((known) => textOf(known) === textOf(atom))) atoms.push(atom)
  }
  return atoms
}

/** What another one says with fewer atoms need not be said. */
function withoutSpecial(alternatives: Alternatives): Alternatives {
  const sets = alternatives.map((atoms) => new Set(atoms.map(textOf)))
  return alternatives.filter(
    (_, index) =>
      !sets.some((other, place) => {
        const own = sets[index] ?? new Set()
        if (place === index || !other.isSubsetOf(own)) return false
        return other.size < own.size || place < index
      }),
  )
}

export interface Bound {
  isPassed: boolean
}

export function both(one: Alternatives, other: Alternatives, bound: Bound): Alternatives {
  const all: (readonly Atom[])[] = []
  for (const left of one)
    for (const right of other) {
      const atoms = merged(left, right)
      if (atoms !== undefined) all.push(atoms)
    }
  const least = withoutSpecial(all)
  if (least.length > MOST_ALTERNATIVES) bound.isPassed = true
  return least.slice(0, MOST_ALTERNATIVES)
}

export function either(one: Alternatives, other: Alternatives): Alternatives {
  return withoutSpecial([...one, ...other])
}

/** @param alternatives whole: of ones that are left out the opposite would be too wide */
export function opposite(alternatives: Alternatives, bound: Bound): Alternatives {
  return alternatives.reduce<Alternatives>(
    (all, atoms) =>
      both(
        all,
        atoms.map((atom) => [opposedAtom(atom)]),
        bound,
      ),
    ALWAYS,
  )
}

function opposedAtom(atom: Atom): Atom {
  switch (atom.is) {
    case 'group':
    case 'user':
    case 'method':
      return { ...atom, not: !atom.not }
    case 'network':
      return { is: 'network', ranges: otherRanges(atom.ranges) }
    case 'signed-in':
    case 'second-factor':
      throw new Error(`${atom.is} has no opposite`)
  }
}

function criterionOf(atom: Atom): object {
  switch (atom.is) {
    case 'group':
      return { groups: { [atom.not ? 'exclude' : 'has']: atom.name } }
    case 'user':
      return { 'claim/preferred_username': { [atom.not ? 'exclude' : 'has']: atom.name } }
    case 'network':
      return { source_ip: atom.ranges }
    case 'method':
      return { http_method: { [atom.not ? 'not_in' : 'in']: atom.methods } }
    case 'signed-in':
      return { authenticated_user: true }
    case 'second-factor':
      return { 'claim/amr': { has: 'mfa' } }
  }
}

/** `undefined`: nobody. */
export function policyFor(alternatives: Alternatives): readonly object[] | undefined {
  const possible = alternatives.filter((atoms) =>
    atoms.every((atom) => atom.is !== 'network' || atom.ranges.length > 0),
  )
  if (possible.length === 0) return undefined
  return possible.map((atoms) => ({
    allow: { and: atoms.length === 0 ? [{ accept: true }] : atoms.map(criterionOf) },
  }))
}
