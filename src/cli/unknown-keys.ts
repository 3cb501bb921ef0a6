/**
 * What to think of when a configuration has keys that this version does not know.
 *
 * @module
 */
import { version } from '../form/installation.ts'

/** A line for the end of what is told of mistakes, where it helps. */
export function aboutUnknownKeys(mistakes: string): string {
  if (!/: is not a known key(?!.*did you mean)/.test(mistakes)) return ''
  return `This is Sallyport ${version()}: a key that it does not know may be one of a newer version.\n`
}
