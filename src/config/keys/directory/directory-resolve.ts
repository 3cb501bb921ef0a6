/**
 * The sources of `directory` with their secrets read.
 *
 * @module
 */

import type { ConfigPath, DirectorySource } from '../../config.ts'
import type { Resolver } from '../../resolver.ts'
import type { Reference } from '../../values/reference.ts'
import type { DirectorySourceKeys } from './directory-schema.ts'

/** Shorter ones can be guessed. */
const SHORTEST_TOKEN = 16

/** A source whose secret can't be read is left out; the mistake is told. */
export function resolveDirectory(
  sources: readonly DirectorySourceKeys[],
  resolver: Resolver,
): readonly DirectorySource[] {
  const tokens = new Map<string, string>()
  return sources.flatMap((source, index): DirectorySource[] => {
    const at: ConfigPath = ['directory', index]
    const secretOf = (key: string, plain: Reference | undefined, file: Reference | undefined) =>
      resolver.secret(at, key, plain, file)
    switch (source.type) {
      case 'file':
        return [source]
      case 'scim': {
        const { token: plain, token_file: file, ...rest } = source
        const token = secretOf('token', plain, file)
        if (token === undefined) return []
        const path = [...at, plain === undefined ? 'token_file' : 'token']
        const twin = tokens.get(token.reveal())
        if (twin !== undefined) resolver.fail(path, `is the token of the source "${twin}" too`)
        if (token.reveal().length < SHORTEST_TOKEN || /\s/.test(token.reveal()))
          resolver.fail(path, `must have at least ${SHORTEST_TOKEN} characters, and no white space`)
        tokens.set(token.reveal(), source.name)
        return [{ ...rest, token }]
      }
      case 'azure': {
        const { client_secret: plain, client_secret_file: file, ...rest } = source
        const client_secret = secretOf('client_secret', plain, file)
        return client_secret === undefined ? [] : [{ ...rest, client_secret }]
      }
      case 'google': {
        const { service_account: plain, service_account_file: file, ...rest } = source
        const service_account = secretOf('service_account', plain, file)
        return service_account === undefined ? [] : [{ ...rest, service_account }]
      }
      case 'okta': {
        const { token: plain, token_file: file, ...rest } = source
        const token = secretOf('token', plain, file)
        return token === undefined ? [] : [{ ...rest, token }]
      }
      case 'gitlab': {
        const { token: plain, token_file: file, ...rest } = source
        const token = secretOf('token', plain, file)
        return token === undefined ? [] : [{ ...rest, token }]
      }
      case 'github': {
        const { token: plain, token_file: file, ...rest } = source
        const token = secretOf('token', plain, file)
        return token === undefined ? [] : [{ ...rest, token }]
      }
    }
  })
}
