/**
 * Which requests of a route that stay open can be ended, when whoever opened them may not go on.
 *
 * @module
 */
import type { Route } from '../../config.ts'

/** Whether any of them. */
export const isSupervised = ({ supervise }: Pick<Route, 'supervise'>): boolean => supervise !== 'none'
