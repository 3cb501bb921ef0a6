/**
 * A JSON API of an identity provider, asked page by page: any page that can't be had fails the whole.
 *
 * @module
 */
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { z } from 'zod'
import type { HttpClient } from '../../outbound/http-client.ts'
import { SourceFailure } from '../../outbound/kept-copy.ts'
import { retryAfterOf } from '../../outbound/retry-after.ts'
import { shownUrl } from '../../shown-url.ts'

export interface ApiPorts {
  readonly http: Pick<HttpClient, 'fetch'>
  readonly now: () => number
  readonly signal: AbortSignal
  /** Tests bring their own. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

export interface ApiOptions extends ApiPorts {
  /**
   * Every address must begin with its origin: what an answer calls the next page is not to be trusted with a
   * token.
   */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** An answer that was as it should be. */
export interface Page<Body> {
  readonly body: Body
  /** Of the `Link` header (RFC 8288). */
  readonly next: string | undefined
}

/** A limit that is lifted soon is waited for, so that a long pull goes on where it was. */
const LONGEST_WAIT_MS = 65_000
const MOST_WAITS = 20
const MOST_PAGES = 100_000

export class Api {
  readonly #options: ApiOptions
  readonly #origin: string
  #waits = 0
  #pages = 0

  constructor(options: ApiOptions) {
    this.#options = options
    this.#origin = new URL(options.url).origin
  }

  /** @param address absolute, or below the base URL. @throws {SourceFailure} */
  async get<Body>(address: string, schema: z.ZodType<Body>): Promise<Page<Body>> {
    this.#pages += 1
    if (this.#pages > MOST_PAGES) throw new SourceFailure('the pages do not come to an end')
    const url = this.#urlOf(address)
    const answer = await this.#ask(url)
    const named = `${url.origin}${url.pathname}`
    const checked = schema.safeParse(await jsonOf(answer, named))
    if (!checked.success) {
      const [issue] = checked.error.issues
      throw new SourceFailure(
        `${named} answered in a form that is not known (at ${issue?.path.join('.') ?? ''})`,
      )
    }
    return { body: checked.data, next: nextOf(answer.headers.get('link')) }
  }

  /** All pages that `Link` headers lead to. @throws {SourceFailure} */
  async getAll<Item>(address: string, schema: z.ZodType<Item[]>): Promise<Item[]> {
    const all: Item[] = []
    for (let next: string | undefined = address; next !== undefined; ) {
      const page: Page<Item[]> = await this.get(next, schema)
      for (const item of page.body) all.push(item)
      next = page.next
    }
    return all
  }

  #urlOf(address: string): URL {
    const { url } = this.#options
    const target = URL.parse(/^https?:/.test(address) ? address : url.replace(/\/+$/, '') + address)
    if (target?.origin !== this.#origin)
      throw new SourceFailure(`${this.#origin} names a next page that is not its own`)
    return target
  }

  async #ask(url: URL): Promise<Response> {
    const { http, headers, signal, now } = this.#options
    for (;;) {
      const answer = await http.fetch(url, { headers, signal })
      if (answer.status === 200) return answer
      const waitMs = waitOf(answer, now())
      this.#waits += 1
      if (waitMs === undefined || waitMs > LONGEST_WAIT_MS || this.#waits > MOST_WAITS)
        throw new SourceFailure(`${url.origin}${url.pathname} ${meaningOf(answer.status)}`, waitMs)
      await (this.#options.sleep ?? sleep)(waitMs, signal)
    }
  }
}

const sleep = (ms: number, signal: AbortSignal) => sleepFor(ms, undefined, { signal, ref: false })

async function jsonOf(answer: Response, named: string): Promise<unknown> {
  try {
    return await answer.json()
  } catch {
    throw new SourceFailure(`${named} answered with something that is no JSON`)
  }
}

function meaningOf(status: number): string {
  if (status === 401) return 'answered 401: the token or secret of the source is not accepted'
  if (status === 403) return 'answered 403: the token of the source may not read this'
  return `answered ${status}`
}

/** How long a server that is asked too often wants to be left alone, in the ways of Okta and GitHub too. */
function waitOf(answer: Response, now: number): number | undefined {
  const { status, headers } = answer
  const isLimit =
    status === 429 || status === 503 || (status === 403 && headers.get('x-ratelimit-remaining') === '0')
  if (!isLimit) return undefined
  const given = retryAfterOf(answer, now)
  if (given !== undefined) return given
  const reset =
    headers.get('x-rate-limit-reset') ?? headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset')
  if (reset !== null && /^\d{1,12}$/.test(reset)) return Math.max(1000, Number(reset) * 1000 - now)
  return status === 429 ? 10_000 : undefined
}

function nextOf(link: string | null): string | undefined {
  const parts = link?.split(/,(?=\s*<)/) ?? []
  const next = parts.find((part) => /;\s*rel="?next"?/i.test(part))
  return next === undefined ? undefined : /<([^>]*)>/.exec(next)?.[1]
}

/** Some at a time, in the order of the items. The first failure is that of all. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
  atOnce = 6,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const walk = async (): Promise<void> => {
    while (next < items.length) {
      const index = next
      next += 1
      const item = items[index]
      if (item !== undefined) results[index] = await work(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, walk))
  return results
}

/**
 * A token from a token endpoint (RFC 6749 section 5.1). @throws {SourceFailure} without a part of the secret
 */
export async function fetchToken(
  { http, signal, now }: ApiPorts,
  url: string,
  form: Readonly<Record<string, string>>,
): Promise<string> {
  const answer = await http.fetch(url, { method: 'POST', body: new URLSearchParams(form), signal })
  const body = await jsonOf(answer, shownUrl(url))
  const token = memberOf(body, 'access_token')
  if (answer.status === 200 && token !== undefined) return token
  const error = memberOf(body, 'error')
  throw new SourceFailure(
    `${shownUrl(url)} answered ${answer.status}${error === undefined ? '' : ` (${error.slice(0, 60)})`} instead of a token`,
    retryAfterOf(answer, now()),
  )
}

function memberOf(body: unknown, name: string): string | undefined {
  const value =
    typeof body === 'object' && body !== null && Object.hasOwn(body, name)
      ? Reflect.get(body, name)
      : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}
