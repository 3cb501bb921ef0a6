/**
 * Who comes, and whether they may: the rows that every service judges by, in the order that security depends
 * on.
 *
 * A service puts rows of its protocol before them, and what it does for the upstream between and after them.
 * Each row may end the matter with a verdict or narrow down what later ones see. None of these allows: a list
 * that comes to no verdict is a bug, which denies.
 *
 * Who waits is judged anew: what held before may not hold any more.
 *
 * @module
 */
import { isMachine, type Session } from '../session/session.ts'
import type { MaybePromise } from '../session/store.ts'
import { type Access, AccessFacts, isSignedIn, subjectOf, type Verdict } from './access.ts'
import { dropIdleSessions } from './idle.ts'
import { findServiceAccounts, refuseOldTokens, verifyBearer } from './machine-credentials.ts'
import type { AccessDependencies } from './ports.ts'
import { askForStepUp } from './step-up.ts'

export interface Row<Judged extends Access, Dependencies, Reason extends string> {
  readonly name: string
  readonly run: (judged: Judged, dependencies: Dependencies) => MaybePromise<Verdict<Reason> | undefined>
  /**
   * Asks somebody outside for something to send along. What it got is good, and it is not asked again after a
   * wait.
   */
  readonly isErrand?: true
}

type AccessRow = Row<Access, AccessDependencies, Extract<Verdict, { outcome: 'refuse' }>['reason']>

const NOT_FOREIGN: AccessRow = {
  name: 'sessions come from an identity provider of the route',
  run: dropForeignSessions,
}
const NOT_SWITCHED_OFF: AccessRow = {
  name: 'whom the directory has deactivated counts as nobody',
  run: dropDeactivated,
}

/** Whose sessions and tokens count, here and now. */
export const WHO: readonly AccessRow[] = [
  { name: 'sessions are alive in the store', run: findSessions },
  {
    name: 'service accounts live and are meant for the route',
    run: (access, { serviceAccounts }) => findServiceAccounts(access, serviceAccounts),
  },
  {
    name: 'bearer tokens are verified where the route says so',
    run: (access, { bearer }) => verifyBearer(access, bearer),
  },
  { name: 'sessions have not expired', run: dropExpiredSessions },
  { name: 'sessions have not been idle for too long', run: dropIdleSessions },
  { name: 'tokens are young enough for the route', run: refuseOldTokens },
  NOT_FOREIGN,
  NOT_SWITCHED_OFF,
]

/** Whether they may. */
export const MAY: readonly AccessRow[] = [
  { name: 'groups are those that the directory knows', run: applyDirectory },
  { name: 'one identity at most is left', run: refuseSeveralIdentities },
  { name: 'the policy decides', run: askPolicy },
  { name: 'the sign-in is recent and strong enough', run: (access, { data }) => askForStepUp(access, data) },
]

export const PASS: AccessRow = { name: 'what the policy has allowed passes', run: passWhatIsAllowed }

/** All of it: for who adds nothing of their own in between. */
export const ADMISSION: readonly AccessRow[] = [...WHO, ...MAY, PASS]

/**
 * For a person who is there already: whether they might pass if they signed in again now. How old their
 * session is and how long they have been away does not matter then. The session is put into the access
 * beforehand.
 */
export const AFTER_SIGN_IN: readonly AccessRow[] = [NOT_FOREIGN, NOT_SWITCHED_OFF, ...MAY, PASS]

/** Runs the rows; synchronous unless one of them has to wait. */
export function runRows<Judged extends Access, Dependencies extends Clock, Reason extends string>(
  judged: Judged,
  dependencies: Dependencies,
  rows: readonly Row<Judged, Dependencies, Reason>[],
  from = 0,
): MaybePromise<Verdict<Reason>> {
  for (let index = from; index < rows.length; index++) {
    const verdict = rows[index]?.run(judged, dependencies)
    if (verdict instanceof Promise)
      return verdict
        .then((late) => late ?? judgeAgain(judged, dependencies, rows.slice(0, index + 1)))
        .then((late) => late ?? runRows(judged, dependencies, rows, index + 1))
    if (verdict !== undefined) return verdict
  }
  throw new Error('no check came to a verdict')
}

type Clock = Pick<AccessDependencies, 'now'>

/**
 * After a wait, of a provider's seconds or a store's milliseconds: a session may have ended meanwhile,
 * somebody may have been deactivated, groups or the configuration may be others. What depends on the moment
 * is asked once more at the new one; a store that answers late again is waited for, but does not begin
 * another round.
 */
async function judgeAgain<Judged extends Access, Dependencies extends Clock, Reason extends string>(
  judged: Judged,
  dependencies: Dependencies,
  before: readonly Row<Judged, Dependencies, Reason>[],
): Promise<Verdict<Reason> | undefined> {
  judged.now = dependencies.now()
  for (const { run, isErrand } of before) {
    if (isErrand === true) continue
    const verdict = run(judged, dependencies)
    if (!(verdict instanceof Promise)) {
      if (verdict !== undefined) return verdict
      continue
    }
    const late = await verdict
    if (late !== undefined) return late
    judged.now = dependencies.now()
  }
  return undefined
}

/** Asked on every request, so that a session that ended a moment ago is not there any more. */
function findSessions(access: Access, { sessions }: AccessDependencies): MaybePromise<undefined> {
  const ids = access.visitor?.sessionIds ?? []
  access.sessions = []
  if (ids.length === 0) return undefined
  const found = ids.map((id) => sessions.find(id))
  const isLate = found.some((session) => session instanceof Promise)
  if (isLate)
    return Promise.all(found.map(async (session) => session)).then((late) => keepFound(access, late))
  return keepFound(
    access,
    found.map((session) => (session instanceof Promise ? undefined : session)),
  )
}

function keepFound(access: Access, found: readonly (Session | undefined)[]): undefined {
  access.sessions = found.filter((session) => session !== undefined)
}

/**
 * The store forgets expired sessions in its own time; here it is the instant that counts. Tokens are refused
 * instead.
 */
function dropExpiredSessions(access: Access): undefined {
  access.passedLimit = undefined
  keepSessions(access, (session) => !isSignedIn(access, session) || access.now < session.expiresAt)
  const lifetime = access.route?.route.session_lifetime
  if (lifetime !== undefined) keepWithin(access, lifetime, ({ issuedAt }) => access.now - issuedAt)
}

/** Machines have signed in nowhere. */
function dropForeignSessions(access: Access): undefined {
  if (access.sessions.length === 0) return
  const idpIds = access.route?.idpIds ?? []
  keepSessions(access, ({ kind, idpId }) => isMachine(kind) || idpIds.includes(idpId))
}

/**
 * They have a session still; what it opened is closed, and signing in again would not help (see `askPolicy`).
 */
function dropDeactivated(access: Access, { directory }: AccessDependencies): undefined {
  access.isDeactivated = false
  if (directory === undefined || !access.sessions.some((session) => directory.isDeactivated(session))) return
  access.isDeactivated = true
  keepSessions(access, (session) => !directory.isDeactivated(session))
}

function applyDirectory(access: Access, { directory }: AccessDependencies): undefined {
  if (directory !== undefined && access.sessions.length > 0)
    access.sessions = access.sessions.map((session) => directory.apply(session))
}

/** Two people in one request: whom the upstream would be told is chance, or an attacker's choice. */
function refuseSeveralIdentities({ sessions }: Access): Verdict | undefined {
  return sessions.length > 1 ? { outcome: 'refuse', reason: 'conflicting-credentials' } : undefined
}

/**
 * Ends the matter unless it allows: what a route asks for besides its policy is asked of those who may pass
 * at all.
 */
function askPolicy(access: Access, { data }: AccessDependencies): Verdict | undefined {
  const { route, sessions } = access
  if (route === undefined) throw new Error('a policy was asked for without a route')
  const facts = (access.facts = new AccessFacts(access, data))
  const [session] = sessions
  const provider = session && route.providerOf(session)
  const decision = route.policy.decide(subjectOf(session, provider), facts)
  access.decision = decision
  // The identity provider might sign them in again and again, and they would be sent there again and again.
  if (decision.outcome === 'sign-in' && access.isDeactivated)
    return { outcome: 'refuse', reason: 'account-deactivated' }
  return decision.outcome === 'allow' ? undefined : { outcome: decision.outcome, decision }
}

/** Drops sessions that have too much of something, and notes how much the route allows. */
function keepWithin(access: Access, limit: number, amountOf: (session: Session) => number): undefined {
  keepSessions(access, (session) => {
    const isKept = !isSignedIn(access, session) || amountOf(session) < limit
    if (!isKept) access.passedLimit = Math.min(access.passedLimit ?? limit, limit)
    return isKept
  })
}

function keepSessions(access: Access, isKept: (session: Session) => boolean): undefined {
  if (!access.sessions.every(isKept)) access.sessions = access.sessions.filter(isKept)
}

function passWhatIsAllowed({ decision }: Access): Verdict {
  if (decision?.outcome !== 'allow') throw new Error('no policy has allowed this')
  return { outcome: 'allow', decision }
}
