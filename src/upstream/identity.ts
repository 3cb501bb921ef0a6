/**
 * The signed assertion of who asks, and the headers with single claims of it.
 *
 * @module
 */
import type { Access } from '../access/access.ts'
import type { ContributorKind } from './contributor.ts'
import { ASSERTION_HEADER, claimHeadersOf, IdentityTerms, identityToldBy } from './identity-headers.ts'

/** Comes first: what a template makes of the assertion comes from here. */
export const identity: ContributorKind<Access, unknown, never> = {
  headersOf: (access) =>
    [
      ...claimHeadersOf(access).map(([name]) => name),
      ...(identityToldBy(access) === 'none' ? [] : [ASSERTION_HEADER]),
    ].map((name) => ({ name, isSecret: false })),
  compile(access) {
    const terms = new IdentityTerms(access)
    if (terms.identity === 'none' && terms.jwtCopies.length === 0) return undefined
    return {
      write(telling, { host, sessions, now }, { assertions }) {
        const assertion = assertions.for(terms, host, sessions[0], now)
        for (const [header, value] of assertion.headers) telling.set(header, value)
        telling.assertionJwt = assertion.jwt
        telling.madeAt = assertion.mintedAt
        telling.noteIdentity({ removedGroups: assertion.removedGroups, bytes: assertion.size.together })
      },
    }
  },
}
