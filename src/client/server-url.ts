/**
 * The server that a command is for, as people write it: its origin, and nothing else of the address.
 *
 * @module
 */
import { Fault } from '../errors.ts'

const EXAMPLE = 'https://app.example.com'

/** Whether a host of a URL is this machine by its very name or address. */
export const isThisMachine = (hostname: string): boolean =>
  /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)

/** An older Node has no `URL.parse`. */
export function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

/**
 * Tokens are sent there: over https, or to this machine.
 *
 * @throws {Fault} USAGE
 */
export function readServerUrl(text: string | undefined): URL {
  if (text === undefined || text === '')
    throw new Fault('USAGE', `the address of the server is missing, such as ${EXAMPLE}`)
  const url = parsedUrl(text)
  // Never shown: it may hold a password.
  if (url !== undefined && (url.username !== '' || url.password !== ''))
    throw new Fault('USAGE', 'the address of the server holds a user name or a password; leave them out')
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new Fault('USAGE', `${JSON.stringify(text)} is not the address of a server, such as ${EXAMPLE}`)
  if (url.protocol === 'http:' && !isThisMachine(url.hostname))
    throw new Fault('USAGE', `${url.origin} is plain HTTP, which is for this machine only; write https://`)
  return new URL(url.origin)
}
