/**
 * A token for the upstream's own audience, in place of one that is good elsewhere too.
 *
 * It is got for the very session that a request is allowed with. Where it is not to be had, that is an answer
 * of its own: never an empty header, and never the user's own token instead.
 *
 * @module
 */
import type { Access, Refused } from '../../access/access.ts'
import { HEADERS_OF_KEYS } from '../../config/keys/upstream/upstream-headers.ts'
import { isForUser, type UpstreamTokenTerms } from '../../config/keys/upstream/upstream-token.ts'
import type { Session } from '../../session/session.ts'
import type { ContributorKind } from '../contributor.ts'
import {
  goodToken,
  isPreflight,
  renewTokens,
  type TokenName,
  type TokenRenewal,
  tokenOf,
  whyMissing,
} from '../session-tokens.ts'
import type { Failure, UpstreamTokenLack } from './token-request.ts'
import { keyOfTerms, type UpstreamToken, type UpstreamTokens } from './tokens.ts'

export interface UpstreamTokenPorts {
  readonly upstreamTokens?: UpstreamTokens | undefined
}

/** What a request keeps of it. */
export interface WithUpstreamToken {
  upstreamToken?: UpstreamToken | undefined
}

type Passing = Access & WithUpstreamToken
type Outcome = Refused<UpstreamTokenLack> | undefined

export const upstreamToken: ContributorKind<Passing, UpstreamTokenPorts & TokenRenewal, UpstreamTokenLack> = {
  headersOf: ({ route }) => HEADERS_OF_KEYS.upstream_token(route),
  needs({ upstream_token: terms }) {
    if (terms === undefined) return []
    const { audience, resource, scopes, grant } = terms
    const whom = (audience ?? resource ?? scopes)?.join(' ') ?? 'the app'
    return [`a token for ${whom} by ${grant} (upstream_token): whether one is given can not be told here`]
  },
  compile({ route }) {
    const terms = route.upstream_token
    if (terms === undefined) return undefined
    const termsKey = keyOfTerms(terms)
    const header = terms.header.toLowerCase()
    const exchanged: readonly TokenName[] = isForUser(terms) ? [terms.subject_token] : []
    const isItsOwn = (token: UpstreamToken, session: Session | undefined) =>
      token.termsKey === termsKey &&
      (!isForUser(terms) || (token.sessionId === session?.id && token.userId === session.userId))

    return {
      renew: (passing, ports) => renewTokens(exchanged, passing, ports),
      /** Again after each wait: by then somebody else may be there, or another configuration. */
      require({ upstreamToken: token, sessions, now }) {
        if (token === undefined) return undefined
        const isGood = isItsOwn(token, sessions[0]) && now < token.goodUntil
        return isGood ? undefined : refused({ lack: 'upstream-token-unavailable' })
      },
      prepare(passing, { upstreamTokens }) {
        const session = isForUser(terms) ? passing.sessions[0] : undefined
        const lacking = whatLacks(passing, terms)
        if (lacking !== undefined) return lacking === 'nothing to do' ? undefined : lacking
        if (upstreamTokens === undefined) throw new Error('nobody can be asked for tokens')
        const token = upstreamTokens.tokenFor({
          route,
          terms,
          termsKey,
          session,
          subject: session && {
            token: tokenOf(session, terms.subject_token).value ?? '',
            isGood: goodToken(session, terms.subject_token, passing.now) !== undefined,
          },
        })
        return token instanceof Promise ? token.then((late) => keep(passing, late)) : keep(passing, token)
      },
      variant: ({ upstreamToken: token }) => (token === undefined ? '' : String(token.serial)),
      /** @throws {Error} for a request that would go out without it, or with that of another: a bug */
      write(telling, passing) {
        const { upstreamToken: token, sessions } = passing
        if (token === undefined && whatLacks(passing, terms) === 'nothing to do') return
        if (token === undefined || !isItsOwn(token, sessions[0]))
          throw new Error('the upstream would get no token, or another’s')
        telling.setToken(header, header === 'authorization' ? `Bearer ${token.value}` : token.value)
      },
      goodUntil: ({ upstreamToken: token }) => token?.goodUntil ?? Infinity,
    }
  },
}

/** Why a request passes without, or does not pass: undefined where a token can be asked for. */
function whatLacks(passing: Passing, terms: UpstreamTokenTerms): Outcome | 'nothing to do' {
  const [session] = passing.sessions
  if (session === undefined && isPreflight(passing)) return 'nothing to do'
  if (!isForUser(terms) || tokenOf(session, terms.subject_token).value !== undefined) return undefined
  return terms.optional
    ? 'nothing to do'
    : { outcome: 'refuse', reason: 'upstream-token-missing', detail: whyMissing(session) }
}

function keep(passing: Passing, found: UpstreamToken | Failure): Outcome {
  if ('lack' in found) return refused(found)
  passing.upstreamToken = found
  return undefined
}

/** Why exactly is told in the log, once for all. */
const refused = ({ lack }: Pick<Failure, 'lack'>): Refused<UpstreamTokenLack> => ({
  outcome: 'refuse',
  reason: lack,
})
