/**
 * Whether a policy reads more of a request than who asks, where and when.
 *
 * @module
 */
import type { CompiledPolicy, ReadFact } from '../policy/decision.ts'

/** Known as long as the stream lives, or asked anew. */
const KNOWN: ReadonlySet<ReadFact> = new Set<ReadFact>(['host', 'time', 'client_certificate'])

export const readsRequest = ({ reads }: Pick<CompiledPolicy, 'reads'>): boolean =>
  [...reads].some((fact) => !KNOWN.has(fact))
