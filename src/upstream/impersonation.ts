/**
 * In whose name a Kubernetes API is asked: Sallyport calls it by a service account that may speak for users.
 *
 * Names that begin with `system:` are Kubernetes' own; a group of that name gives power over the cluster and
 * may be anybody's invention at an identity provider. So it is passed only where the operator has written it
 * down, in the groups filter or in a policy of the route. The API server adds up what groups may do, so
 * leaving some out only ever takes away.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 * @module
 */
import type { Access, Refused } from '../access/access.ts'
import type { AccessRoute } from '../access/route.ts'
import type { Secret } from '../config/config.ts'
import { HEADERS_OF_KEYS, IMPERSONATE_GROUPS_HEADER } from '../config/keys/upstream/upstream-headers.ts'
import { flatClaim } from '../flat-claims.ts'
import { certainGroupsOf, isMachine, type Session } from '../session/session.ts'
import type { ContributorKind, LackWords } from './contributor.ts'
import { GroupsFilter } from './groups-filter.ts'
import { type HeaderEntry, type HeaderSize, headersLimitOf, limitOf } from './header.ts'
import { groupCountOf } from './header-budget.ts'

/** API servers take 1 MiB of headers; what Envoy takes of a check is the bound. */
const DEFAULT_LIMIT: HeaderSize = { together: 32_000, longest: 32_000 }

interface ImpersonationHeaders {
  readonly headers: readonly HeaderEntry[]
  readonly removedGroups: number
  readonly size: HeaderSize
  readonly fullSize: HeaderSize
  readonly limit: HeaderSize
}

export const NAME_LACKS = {
  'name-required': {
    status: 401,
    heading: 'Sign in first',
    message: 'This cluster is asked in the name of somebody, so it is open to signed-in users only.',
  },
  'name-missing': {
    status: 403,
    heading: 'This cluster can’t be told who you are',
    message:
      'Your account has no e-mail address, or whatever else names you in this cluster, in a form that can be passed on.',
  },
} as const satisfies Readonly<Record<string, LackWords>>

type NameLack = keyof typeof NAME_LACKS

export const impersonation: ContributorKind<Access, unknown, NameLack> = {
  headersOf: ({ route }) => HEADERS_OF_KEYS.kubernetes_service_account_token(route),
  compile(access) {
    const token = access.route.kubernetes_service_account_token
    if (token === undefined) return undefined
    const impersonated = new Impersonation(token, access)
    return {
      require: ({ sessions }) => requireName(impersonated, sessions[0]),
      /**
       * @throws {Error} for a request that would reach a Kubernetes API in nobody's name: a bug of the
       * pipeline
       */
      write(telling, { sessions: [session] }, { budget }) {
        if (session === undefined) throw new Error('a Kubernetes API would be asked in nobody’s name')
        const made = impersonated.headersFor(session)
        for (const [header, value] of made.headers) telling.set(header, value)
        budget.note(access, made, groupCountOf(session))
        telling.noteIdentity({ removedGroups: made.removedGroups, bytes: made.size.together })
      },
    }
  },
}

/** Without a name the request would have all the power of the service account. */
function requireName(
  impersonated: Impersonation,
  session: Session | undefined,
): Refused<NameLack> | undefined {
  if (session === undefined) return { outcome: 'refuse', reason: 'name-required' }
  return impersonated.userOf(session) === undefined
    ? { outcome: 'refuse', reason: 'name-missing' }
    : undefined
}

class Impersonation {
  readonly #token: Secret
  readonly #access: AccessRoute
  readonly #groupsFilter: GroupsFilter
  readonly #mentionedGroups: ReadonlySet<string>
  readonly #userClaim: string
  readonly #made = new WeakMap<Session, ImpersonationHeaders>()

  constructor(token: Secret, access: AccessRoute) {
    const { route, settings, policy } = access
    this.#token = token
    this.#access = access
    this.#groupsFilter = new GroupsFilter(route, settings, policy.mentionedGroups)
    this.#mentionedGroups = new Set(policy.mentionedGroups)
    this.#userClaim = route.kubernetes_impersonate_user_claim ?? 'email'
  }

  /** `undefined` for somebody whom the API server could not be told of. */
  userOf(session: Session): string | undefined {
    const name = valueOf(session, this.#userClaim)
    return name !== undefined && isName(name) && !isReserved(name) ? name : undefined
  }

  /** The same as long as the session is. */
  headersFor(session: Session): ImpersonationHeaders {
    let made = this.#made.get(session)
    if (made === undefined) {
      made = this.#make(session)
      this.#made.set(session, made)
    }
    return made
  }

  #make(session: Session): ImpersonationHeaders {
    const user = this.userOf(session)
    if (user === undefined) throw new Error('a Kubernetes API would be asked in nobody’s name')
    const groupsFilter = this.#groupsFilter
    const all = this.#groupsOf(session)
    const tellable = groupsFilter
      .apply(all)
      .filter((group) => isName(group) && (!isReserved(group) || groupsFilter.isNamed(group)))
    const limit = limitOf(headersLimitOf(this.#access), DEFAULT_LIMIT)
    const drafts = [tellable, tellable.filter((group) => this.#mentionedGroups.has(group)), []]
    const kept = drafts.find((groups) => bytesOf(groups) <= limit.together) ?? []
    return {
      headers: [
        ['authorization', `Bearer ${this.#token.reveal()}`],
        ['impersonate-user', user],
        [IMPERSONATE_GROUPS_HEADER, kept.map(encode).join(',')],
      ],
      removedGroups: all.length - kept.length,
      size: { together: bytesOf(kept), longest: 0 },
      fullSize: { together: bytesOf(tellable), longest: 0 },
      limit,
    }
  }

  #groupsOf(session: Session): readonly string[] {
    const claim = this.#access.route.kubernetes_impersonate_groups_claim
    if (claim === undefined || claim === 'groups') return certainGroupsOf(session)
    return flatClaim(session.claims, claim) ?? []
  }
}

function valueOf(session: Session, claim: string): string | undefined {
  switch (claim) {
    case 'email':
      // machines have no address; their ids are an operator's choice
      return session.email ?? (isMachine(session.kind) ? session.userId : undefined)
    case 'sub':
    case 'user':
      return session.userId
    default: {
      const [value, ...others] = flatClaim(session.claims, claim) ?? []
      return others.length === 0 ? value : undefined
    }
  }
}

/** Blanks at an end are lost on the way, and controls end a header: another name would arrive. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NOT_A_NAME = /^\s|\s$|[\x00-\x1f\x7f]/

const isName = (text: string): boolean => text !== '' && !NOT_A_NAME.test(text)

const isReserved = (name: string): boolean => name.startsWith('system:')

/** Commas stand between groups, `%` begins an encoded byte; all else goes as it is, as UTF-8. */
const encode = (group: string): string => group.replaceAll('%', '%25').replaceAll(',', '%2C')

const LINE = 'impersonate-group: \r\n'.length

/** As the lines that the API server gets. */
function bytesOf(groups: readonly string[]): number {
  return groups.reduce((sum, group) => sum + LINE + Buffer.byteLength(encode(group)), 0)
}
