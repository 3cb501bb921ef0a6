/**
 * The program that the tests run: the sources, or what `SALLYPORT_PROGRAM` names, such as the bundle or the
 * single file.
 *
 * @module
 */
import { join, resolve } from 'node:path'

export const SOURCES = join(import.meta.dirname, '..', '..', 'src', 'cli', 'sallyport.ts')

export interface Invocation {
  readonly command: string
  readonly args: readonly string[]
}

/** @param path of a module, which Node runs, or of a program */
export function invocation(path: string, args: readonly string[]): Invocation {
  const isModule = /\.[cm]?[jt]s$/.test(path)
  return isModule ? { command: process.execPath, args: [path, ...args] } : { command: path, args }
}

/** The commands of users: those of the program, or what `SALLYPORT_CLIENT` names, such as their own package. */
export function clientUnderTest(args: readonly string[]): Invocation {
  const named = process.env['SALLYPORT_CLIENT']
  return named === undefined || named === '' ? programUnderTest(args) : invocation(resolve(named), args)
}

export function programUnderTest(args: readonly string[]): Invocation {
  const named = process.env['SALLYPORT_PROGRAM']
  return invocation(named === undefined || named === '' ? SOURCES : resolve(named), args)
}
