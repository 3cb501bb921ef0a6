/**
 * The two people of the demo: one whom the policy of `app` admits and one whom it does not.
 *
 * @module
 */

interface Person {
  readonly sub: string
  readonly name: string
  readonly email: string
  readonly groups: readonly string[]
}

export const PEOPLE: readonly Person[] = [
  { sub: 'alice', name: 'Alice Liddell', email: 'alice@example.com', groups: ['staff'] },
  { sub: 'bob', name: 'Bob Marsh', email: 'bob@example.com', groups: ['guests'] },
]
