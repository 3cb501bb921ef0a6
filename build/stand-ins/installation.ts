/**
 * In place of `src/form/installation.ts` in everything that is built.
 *
 * @module
 */
import type * as source from '../../src/form/installation.ts'

/** The build puts it there. */
declare const SALLYPORT_VERSION: string

export const version: typeof source.version = () => SALLYPORT_VERSION

/** There is no Dockerfile here, and no sources. */
export const checkout: typeof source.checkout = () => undefined

export const commandName: typeof source.commandName = () => 'sallyport'
