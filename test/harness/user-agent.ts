/**
 * A browser without a screen: cookies, redirects and forms over `http-client.ts`; enough to walk through a
 * login.
 *
 * @module
 */
import { CookieJar } from './cookie-jar.ts'
import { type HttpRequest, type HttpResponse, type HttpVersion, request } from './http-client.ts'

export interface UserAgentOptions {
  readonly ca?: string
  readonly version?: HttpVersion
  readonly headers?: Readonly<Record<string, string>>
}

export type Visit = Omit<HttpRequest, 'url' | 'ca'>

const BROWSER = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.9',
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
}

const unescapeHtml = (text: string): string =>
  text
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll(/&#(\d+);/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

const attributesOf = (tag: string): Record<string, string> =>
  Object.fromEntries(
    [...tag.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/g)].map(
      ([, name = '', double, single, bare]) => [
        name.toLowerCase(),
        unescapeHtml(double ?? single ?? bare ?? ''),
      ],
    ),
  )

export interface Form {
  readonly action: string
  readonly method: string
  readonly fields: Readonly<Record<string, string>>
}

/** The forms of a page, with the values their fields have. */
export function formsOf(html: string): readonly Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head = '', inner = '']) => {
    const { action = '', method = 'get' } = attributesOf(head)
    const fields = [...inner.matchAll(/<input\b([^>]*)>/gi)]
      .map(([, tag = '']) => attributesOf(tag))
      .filter(({ name, type }) => name !== undefined && type !== 'submit')
      .map(({ name = '', value = '' }) => [name, value])
    return { action, method, fields: Object.fromEntries(fields) as Record<string, string> }
  })
}

export class UserAgent {
  readonly jar = new CookieJar()
  /** Each request of the last `visit` or `submit`, oldest first. */
  hops: readonly HttpResponse[] = []
  readonly #options: UserAgentOptions

  constructor(options: UserAgentOptions = {}) {
    this.#options = options
  }

  /** One request with the jar's cookies; redirects are not followed. */
  async fetch(url: string | URL, visit: Visit = {}): Promise<HttpResponse> {
    const target = new URL(url)
    const cookie = this.jar.header(target)
    const response = await request({
      // cleartext peers, such as the provider of the tests, speak HTTP/1.1
      ...(this.#options.version === undefined || target.protocol === 'http:'
        ? {}
        : { version: this.#options.version }),
      ...visit,
      url: target,
      ...(this.#options.ca !== undefined && target.protocol === 'https:' ? { ca: this.#options.ca } : {}),
      headers: {
        ...BROWSER,
        ...this.#options.headers,
        ...(cookie === undefined ? {} : { cookie }),
        ...visit.headers,
      },
    })
    this.jar.take(target, response.setCookies)
    return response
  }

  /** Follows redirects to the page where they end, or to the first one for which `stopAt` holds. */
  async visit(
    url: string | URL,
    visit: Visit & { readonly stopAt?: (next: URL) => boolean } = {},
  ): Promise<HttpResponse> {
    const { stopAt, ...first } = visit
    const hops: HttpResponse[] = []
    this.hops = hops
    let response = await this.fetch(url, first)
    hops.push(response)
    while (response.status >= 300 && response.status < 400 && response.headers['location'] !== undefined) {
      const next = new URL(response.headers['location'], response.url)
      if (stopAt?.(next)) break
      if (hops.length > 25)
        throw new Error(`a redirect loop: ${hops.map((hop) => hop.url.href).join('\n  ')}`)
      response = await this.fetch(next, response.status === 307 ? first : {})
      hops.push(response)
    }
    return response
  }

  /**
   * Fills in a form of a page and sends it: the one to `pick`, that has the first of `fields`, or the first.
   */
  async submit(
    page: HttpResponse,
    fields: Readonly<Record<string, string>> = {},
    {
      stopAt,
      pick,
    }: { readonly stopAt?: (next: URL) => boolean; readonly pick?: (form: Form) => boolean } = {},
  ): Promise<HttpResponse> {
    const forms = formsOf(page.text)
    const [wanted] = Object.keys(fields)
    const form =
      pick === undefined
        ? (forms.find((each) => wanted !== undefined && wanted in each.fields) ?? forms[0])
        : forms.find(pick)
    if (form === undefined)
      throw new Error(`${page.url.href} (${page.status}) has no form: ${page.text.slice(0, 500)}`)
    const values = new URLSearchParams({ ...form.fields, ...fields }).toString()
    const action = new URL(form.action === '' ? page.url : form.action, page.url)
    const how = stopAt === undefined ? {} : { stopAt }
    if (form.method.toLowerCase() === 'get') {
      action.search = values
      return await this.visit(action, how)
    }
    return await this.visit(action, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: page.url.origin,
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      },
      body: values,
      ...how,
    })
  }
}
