/**
 * What a new configuration may change for somebody; the worst first.
 *
 * @module
 */
export const KINDS = ['lose', 'gain', 'unknown', 'observed', 'other'] as const
/** `observed`: would change if the rules that are only watched counted. `other`: refused in another way. */
export type Kind = (typeof KINDS)[number]
