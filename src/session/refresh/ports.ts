/**
 * What a refresh needs from other rooms, in the terms of this one.
 *
 * @module
 */
import type { IdentityProvider } from '../../identity/provider.ts'

/** What a refresh asks of an identity provider. */
export type RefreshingProvider = Pick<IdentityProvider, 'refreshEveryMs' | 'refresh' | 'reread'>

/** The provider of that id; `undefined` when it is not configured, or not any more. */
export type FindRefreshingProvider = (idpId: string) => RefreshingProvider | undefined
