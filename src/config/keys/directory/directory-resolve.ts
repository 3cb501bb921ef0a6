/**
 * The sources of `directory` with their secrets read.
 *
 * @module
 */

import type { ConfigPath, DirectorySource } from '../../config.ts'
import type { Resolver } from '../../resolver.ts'
import { withoutReferences } from '../../values/reference.ts'
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
    switch (source.type) {
      case 'file':
        return [source]
      case 'scim': {
        const token = resolver.secret(source, 'token', at)
        if (token === undefined) return []
        const path = [...at, source.token === undefined ? 'token_file' : 'token']
        const twin = tokens.get(token.reveal())
        if (twin !== undefined) resolver.fail(path, `is the token of the source "${twin}" too`)
        if (token.reveal().length < SHORTEST_TOKEN || /\s/.test(token.reveal()))
          resolver.fail(path, `must have at least ${SHORTEST_TOKEN} characters, and no white space`)
        tokens.set(token.reveal(), source.name)
        return [{ ...withoutReferences(source), token }]
      }
      case 'azure': {
        const client_secret = resolver.secret(source, 'client_secret', at)
        return client_secret === undefined ? [] : [{ ...withoutReferences(source), client_secret }]
      }
      case 'google': {
        const service_account = resolver.secret(source, 'service_account', at)
        return service_account === undefined ? [] : [{ ...withoutReferences(source), service_account }]
      }
      case 'okta': {
        const token = resolver.secret(source, 'token', at)
        return token === undefined ? [] : [{ ...withoutReferences(source), token }]
      }
      case 'gitlab': {
        const token = resolver.secret(source, 'token', at)
        return token === undefined ? [] : [{ ...withoutReferences(source), token }]
      }
      case 'github': {
        const token = resolver.secret(source, 'token', at)
        return token === undefined ? [] : [{ ...withoutReferences(source), token }]
      }
    }
  })
}
