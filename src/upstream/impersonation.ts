/**
 * In whose name a Kubernetes API is asked: Sallyport calls it by a service account that may speak for users.
 *
 * Names that begin with `system:` are Kubernetes' own; a group of that name gives power over the cluster and may be
 * anybody's invention at an identity provider. So it is passed only where the operator has written it down, in the
 * groups filter or in a policy of the route. The API server adds up what groups may do, so leaving some out only
 * ever takes away.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 * @module
 */
import type { Route, Secret } from '../config/config.ts'
import { flatClaim } from '../flat-claims.ts'
import { certainGroupsOf, isMachine, type Session } from '../session/session.ts'
import type { GroupsFilter } from './groups-filter.ts'
import { type HeaderEntry, type HeaderSize, limitOf } from './header.ts'

/** Taken apart by a script in Envoy: xds/resources/routes/kubernetes.ts. */
const GROUPS_HEADER = 'x-pomerium-impersonate-groups'

/** API servers take 1 MiB of headers; what Envoy takes of a check is the bound. */
const DEFAULT_LIMIT: HeaderSize = { together: 32_000, longest: 32_000 }

export interface ImpersonationHeaders {
  readonly headers: readonly HeaderEntry[]
  readonly removedGroups: number
  readonly size: HeaderSize
  readonly fullSize: HeaderSize
  readonly limit: HeaderSize
}

interface ImpersonationSource {
  readonly route: Route
  readonly groupsFilter: GroupsFilter
  readonly mentionedGroups: ReadonlySet<string>
  readonly headersLimit: number | undefined
}

export class Impersonation {
  readonly #token: Secret
  readonly #source: ImpersonationSource
  readonly #userClaim: string
  readonly #made = new WeakMap<Session, ImpersonationHeaders>()

  constructor(token: Secret, source: ImpersonationSource) {
    this.#token = token
    this.#source = source
    this.#userClaim = source.route.kubernetes_impersonate_user_claim ?? 'email'
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
    const { groupsFilter, mentionedGroups, headersLimit } = this.#source
    const all = this.#groupsOf(session)
    const tellable = groupsFilter
      .apply(all)
      .filter((group) => isName(group) && (!isReserved(group) || groupsFilter.isNamed(group)))
    const limit = limitOf(headersLimit, DEFAULT_LIMIT)
    const drafts = [tellable, tellable.filter((group) => mentionedGroups.has(group)), []]
    const told = drafts.find((groups) => bytesOf(groups) <= limit.together) ?? []
    return {
      headers: [
        ['authorization', `Bearer ${this.#token.reveal()}`],
        ['impersonate-user', user],
        [GROUPS_HEADER, told.map(encode).join(',')],
      ],
      removedGroups: all.length - told.length,
      size: { together: bytesOf(told), longest: 0 },
      fullSize: { together: bytesOf(tellable), longest: 0 },
      limit,
    }
  }

  #groupsOf(session: Session): readonly string[] {
    const claim = this.#source.route.kubernetes_impersonate_groups_claim
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
