/**
 * One HTTP client for all that Sallyport itself asks over the network, trusting what the configuration in
 * force trusts.
 *
 * @module
 */
import { createHttpClient, type HttpClient, type HttpClientOptions } from './http-client.ts'

interface Trusting {
  /** PEM, trusted beside the authorities of the platform. */
  readonly settings: { readonly certificate_authority?: string | undefined }
}

export interface FollowHttpClientOptions extends HttpClientOptions {
  readonly config: {
    readonly current: Trusting
    onGeneration(listener: (config: Trusting) => void): Disposable
  }
}

/** Changes with `certificate_authority`; requests under way end with the client that they began with. */
export function followHttpClient({ config, trustedCa = [], ...rest }: FollowHttpClientOptions): HttpClient {
  const create = (authority: string | undefined) =>
    createHttpClient({ ...rest, trustedCa: authority === undefined ? trustedCa : [...trustedCa, authority] })
  let authority = config.current.settings.certificate_authority
  let current = create(authority)
  const retired = new Set<HttpClient>()
  const following = config.onGeneration(({ settings }) => {
    if (settings.certificate_authority === authority) return
    authority = settings.certificate_authority
    retired.add(current)
    current = create(authority)
  })
  return {
    fetch: (url, init) => current.fetch(url, init),
    async [Symbol.asyncDispose]() {
      following[Symbol.dispose]()
      await Promise.all([current, ...retired].map((client) => client[Symbol.asyncDispose]()))
    },
  }
}
