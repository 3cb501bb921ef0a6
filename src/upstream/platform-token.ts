/**
 * The token by which the platform of an upstream knows us: Google's, for serverless apps.
 *
 * @module
 */
import type { Access } from '../access/access.ts'
import { isServerless, serverlessAudience } from '../config/keys/upstream/google-serverless.ts'
import { HEADERS_OF_KEYS, serverlessHeaderOf } from '../config/keys/upstream/upstream-headers.ts'
import type { MaybePromise } from '../session/store.ts'
import type { ContributorKind } from './contributor.ts'
import { headerText } from './header.ts'

/** Tokens by which the platform of an upstream knows us. */
export interface PlatformTokens {
  /** At once while one is at hand. @throws {Fault} when there is none, at once or as a rejection */
  tokenFor(audience: string): MaybePromise<PlatformToken>
}

export interface PlatformToken {
  readonly value: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export interface PlatformTokenPorts {
  readonly platformTokens?: PlatformTokens | undefined
}

/** What a request keeps of it. */
export interface WithPlatformToken {
  platformToken?: PlatformToken | undefined
}

export const platformToken: ContributorKind<Access & WithPlatformToken, PlatformTokenPorts, never> = {
  headersOf: ({ route }) => HEADERS_OF_KEYS.enable_google_cloud_serverless_authentication(route),
  compile({ route }) {
    if (!isServerless(route)) return undefined
    const audience = serverlessAudience(route)
    const header = serverlessHeaderOf(route)
    return {
      /** @throws {Fault} SERVERLESS_TOKEN_UNAVAILABLE: without it the request would only be refused there */
      prepare(passing, { platformTokens }) {
        const token = platformTokens?.tokenFor(audience)
        if (token instanceof Promise)
          return token.then((late) => {
            passing.platformToken = late
            return undefined
          })
        passing.platformToken = token
        return undefined
      },
      /** @throws {Error} for a request that would go out without it: a bug of the pipeline */
      write(telling, { platformToken: token }) {
        if (token === undefined) throw new Error('the platform of the upstream would get no token')
        telling.set(header, headerText(`Bearer ${token.value}`))
      },
      goodUntil: ({ platformToken: token }) => token?.expiresAt ?? Infinity,
    }
  },
}
