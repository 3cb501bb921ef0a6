/**
 * Signs the user in by a browser, for one server: asks it for a page, has the page opened, and waits for the
 * token.
 *
 * @module
 */
import { Fault } from '../../errors.ts'
import { plain } from '../../plain-text.ts'
import type { HttpClient } from '../http/http-client.ts'
import { type Opener, openPage, signInPage } from './browser.ts'
import { askForAddress, type Terminal } from './pasted-address.ts'
import { listenForToken, type TokenListener } from './token-listener.ts'

export interface LoginOptions {
  readonly http: HttpClient
  /** None where there is no browser. */
  readonly opener: Opener | undefined
  /** None where nobody can be asked. */
  readonly terminal: Terminal | undefined
  readonly say: (text: string) => void
  readonly withinMs?: number
}

const WITHIN_MS = 600_000
const LOGIN = '/.pomerium/api/v1/login'

/** @throws {Fault} LOGIN_FAILED, and those of the server */
export async function signIn(options: LoginOptions): Promise<string> {
  const listener = await listenForToken()
  try {
    const page = await pageFor(options.http, listener.redirectUri)
    return await tokenOf(listener, page, options)
  } finally {
    await listener.close()
  }
}

async function pageFor(http: HttpClient, redirectUri: string): Promise<URL> {
  const { server } = http
  const { status, text } = await http.get(`${LOGIN}?pomerium_redirect_uri=${encodeURIComponent(redirectUri)}`)
  if (status === 200) return signInPage(text.trim(), server)
  const why = {
    404: 'there is no Sallyport at that address, or it has no such host',
    400: 'it sends no tokens to programs on users’ computers; who runs it can allow "localhost" in programmatic_redirect_domain_whitelist',
  }[status]
  throw new Fault(
    'LOGIN_FAILED',
    `${server.origin} lets no program sign in: ${why ?? `it answered ${status}`}${why === undefined ? `, ${JSON.stringify(plain(text).slice(0, 200))}` : ''}`,
  )
}

async function tokenOf(
  listener: TokenListener,
  page: URL,
  { opener, terminal, say, withinMs = WITHIN_MS }: LoginOptions,
): Promise<string> {
  const ends: (() => void)[] = []
  const gaveUp = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Fault('LOGIN_FAILED', `nobody signed in within ${Math.round(withinMs / 60_000)} minutes`))
    }, withinMs)
    ends.push(() => clearTimeout(timer))
    if (opener !== undefined) {
      say(`Your browser opens, to sign you in at ${page.host}. If it does not, open this page in it:\n`)
      say(`\n${page.href}\n\n`)
      openPage(opener, page, (why) => say(`No browser was opened (${why}). Open the page above.\n`))
      return
    }
    say(`To sign in, open this page in a browser:\n\n${page.href}\n\n`)
    if (terminal === undefined) return
    say(
      'A browser on another computer ends at an address that it can not open. Copy that address from its\naddress bar, and paste it here. It is not shown.\n',
    )
    const interrupted = (): void => reject(new Fault('LOGIN_FAILED', 'the sign-in was interrupted'))
    ends.push(askForAddress(terminal, (text) => listener.take(text), interrupted))
  })
  try {
    return await Promise.race([listener.token, gaveUp])
  } finally {
    for (const end of ends) end()
  }
}
