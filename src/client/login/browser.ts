/**
 * Opens a page in the user's browser. No shell reads the address: it comes from the server.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { Fault } from '../../errors.ts'
import { isThisMachine, parsedUrl } from '../server-url.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface Opener {
  readonly command: string
  readonly args: readonly string[]
}

/** What opens pages here, or nothing where nobody would see them. */
export function openerFor(
  { command, isWanted = true }: { readonly command?: string | undefined; readonly isWanted?: boolean },
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): Opener | undefined {
  if (!isWanted) return undefined
  if (command !== undefined && command !== '') return { command, args: [] }
  if (platform === 'darwin') return { command: 'open', args: [] }
  if (platform === 'win32') return { command: 'rundll32', args: ['url.dll,FileProtocolHandler'] }
  const hasScreen = ['DISPLAY', 'WAYLAND_DISPLAY', 'WSL_DISTRO_NAME'].some((name) => (env[name] ?? '') !== '')
  return hasScreen ? { command: 'xdg-open', args: [] } : undefined
}

const LONGEST_ADDRESS = 8_192

/**
 * The address of the sign-in page that a server has answered. It may lead to another host, as with some
 * servers; but to a web page, and not in the clear.
 *
 * @throws {Fault} SERVER_ANSWER_INVALID
 */
export function signInPage(text: string, server: URL): URL {
  const url = text.length <= LONGEST_ADDRESS ? parsedUrl(text) : undefined
  const isPlain = url?.protocol === 'http:' && isThisMachine(url.hostname) && server.protocol === 'http:'
  const isWeb = url?.protocol === 'https:' || isPlain
  if (url === undefined || !isWeb || url.username !== '' || url.password !== '')
    throw new Fault(
      'SERVER_ANSWER_INVALID',
      `${server.origin} names a sign-in page that is no https address; it is not opened`,
    )
  return url
}

/** @param onFailure told in a few words; the user can still open the page by hand */
export function openPage(opener: Opener, url: URL, onFailure: (why: string) => void): void {
  // What the program prints is not ours: kubectl reads our output.
  const child = spawn(opener.command, [...opener.args, url.href], { stdio: 'ignore', detached: true })
  child.once('error', (error) => onFailure(`${opener.command}: ${error.message}`))
  child.once('exit', (code) => {
    if (code !== null && code !== 0) onFailure(`${opener.command} ended with ${code}`)
  })
  child.unref()
}
