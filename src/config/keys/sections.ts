/**
 * Keys by topic, in the order of the reference page: what a file may hold is all of them together.
 *
 * A topic of routes stands in one section: its keys, how those are read that refer to something, and what
 * must hold between them.
 *
 * @module
 */

interface Section {
  readonly title: string
  readonly keys: object
}

export type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never

/** The keys of all sections: a topic is listed once. */
export function keysOf<const Sections extends readonly Section[]>(
  sections: Sections,
): Intersection<Sections[number]['keys']> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one object with the keys of all is their intersection
  return Object.assign({}, ...sections.map(({ keys }) => keys)) as Intersection<Sections[number]['keys']>
}
