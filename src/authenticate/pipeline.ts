/**
 * The order of checks on every page of our own, in one table: one line per step, one name per endpoint it is
 * for.
 *
 * A step answers, passes on, or throws a Fault. The order is part of the security: nothing is used before the
 * line that checks it. `protects` marks the lines that stand between an attacker and something; for each of
 * them pipeline.test.ts has an attack that succeeds, or does harm, once the line is taken out.
 *
 * @module
 */

import { ENDPOINT_NAMES, type EndpointName } from './endpoints.ts'
import { clearCookies } from './pages/clear-cookies.ts'
import { jwks, robots, toUserPage, wellKnown } from './pages/documents.ts'
import { portalJson, portalPage } from './pages/portal.ts'
import { signedOutPage } from './pages/sign-out-pages.ts'
import { userJson, userPage } from './pages/user-page.ts'
import { beginSignIn, tieForAdditionalHosts } from './steps/begin.ts'
import { arrive, nextHost, tieBrowser } from './steps/chain.ts'
import { checkDemand } from './steps/check-demand.ts'
import { chooseProvider, readProviders } from './steps/choose-provider.ts'
import { consultDirectory } from './steps/consult-directory.ts'
import { checkProviderError, createSession, exchangeCode } from './steps/create-session.ts'
import {
  checkFlow,
  checkHandOffAge,
  checkHandOffHost,
  claimHandOff,
  readHandOff,
  takeSession,
} from './steps/hand-off.ts'
import { leaveAccount, resumeSignIn } from './steps/leave-account.ts'
import {
  checkStateAge,
  checkStateBrowser,
  claimState,
  onceAnew,
  readState,
  turnPostIntoGet,
  unlessSignedIn,
} from './steps/oauth-callback.ts'
import {
  askUnlessJustSignedIn,
  giveLoginUrl,
  giveProgramToken,
  readReturnAddress,
  requireCountingSession,
} from './steps/program-login.ts'
import { readSession, recallSession, refuseSeveralSessions } from './steps/read-session.ts'
import { checkMethod } from './steps/request/check-method.ts'
import { checkParameters } from './steps/request/check-parameters.ts'
import { checkSameOrigin } from './steps/request/check-same-origin.ts'
import { checkSignedUrl } from './steps/request/check-signed-url.ts'
import { readTarget } from './steps/request/read-target.ts'
import { refuseServiceWorker } from './steps/request/refuse-service-worker.ts'
import { requireSession } from './steps/require-session.ts'
import { handOffTheSignedIn, refusePrograms, startSignIn } from './steps/sign-in.ts'
import {
  askCrossSite,
  askUnlessOrdered,
  refusePrefetch,
  signOutEverywhere,
  signOutHere,
} from './steps/sign-out.ts'
import type { Answer, Step, Visit } from './visit.ts'

export interface Row {
  readonly step: Step
  readonly endpoints: readonly EndpointName[]
  readonly isProtection: boolean
}

const use = (step: Step, ...endpoints: readonly EndpointName[]): Row => ({
  step,
  endpoints,
  isProtection: false,
})
const protects = (step: Step, ...endpoints: readonly EndpointName[]): Row => ({
  step,
  endpoints,
  isProtection: true,
})

// biome-ignore format: a table
export const PIPELINE: readonly Row[] = [
  protects(checkMethod,                      ...ENDPOINT_NAMES),
  protects(refuseServiceWorker,              ...ENDPOINT_NAMES),
  protects(checkParameters,                  ...ENDPOINT_NAMES),
  protects(checkSameOrigin,                  'SIGN_OUT', 'CLEAR_COOKIES'),
  protects(refusePrefetch,                   'APP_SIGN_OUT', 'SIGN_OUT'),
  use(turnPostIntoGet,                       'OAUTH_CALLBACK'),
  protects(askCrossSite,                     'APP_SIGN_OUT'),
  protects(checkSignedUrl,                   'BEGIN', 'SIGN_IN', 'HAND_OFF', 'FLOW', 'CHAIN', 'ARRIVAL', 'PROGRAM'),
  protects(readReturnAddress,                'PROGRAM_LOGIN', 'PROGRAM'),
  protects(readTarget,                       'BEGIN', 'SIGN_IN', 'HAND_OFF', 'FLOW', 'CHAIN', 'ARRIVAL'),
  use(readSession,                           'SIGN_IN', 'OAUTH_CALLBACK', 'SIGN_OUT', 'SIGNED_OUT', 'HAND_OFF', 'APP_SIGN_OUT', 'ME', 'USER', 'PORTAL', 'PORTAL_API', 'PROGRAM'),
  protects(refuseSeveralSessions,            'SIGN_IN', 'OAUTH_CALLBACK', 'HAND_OFF', 'ME', 'USER', 'PORTAL', 'PORTAL_API', 'PROGRAM'),
  use(readProviders,                         'SIGN_IN'),
  use(recallSession,                         'SIGN_IN'),
  protects(consultDirectory,                 'SIGN_IN', 'ME', 'USER', 'PORTAL', 'PORTAL_API', 'PROGRAM'),
  protects(requireSession,                   'USER', 'PORTAL', 'PORTAL_API'),

  // the sign-in page
  use(beginSignIn,                           'BEGIN'),
  use(tieForAdditionalHosts,                 'SIGN_IN'),
  use(handOffTheSignedIn,                    'SIGN_IN'),
  protects(refusePrograms,                   'SIGN_IN'),
  use(chooseProvider,                        'SIGN_IN'),
  use(leaveAccount,                          'SIGN_IN'),
  use(startSignIn,                           'SIGN_IN'),

  // the OpenID provider's answer
  protects(readState,                        'OAUTH_CALLBACK'),
  protects(unlessSignedIn(checkStateBrowser), 'OAUTH_CALLBACK'),
  protects(onceAnew(unlessSignedIn(checkStateAge)), 'OAUTH_CALLBACK'),
  use(checkProviderError,                    'OAUTH_CALLBACK'),
  protects(unlessSignedIn(claimState),       'OAUTH_CALLBACK'),
  protects(exchangeCode,                     'OAUTH_CALLBACK'),
  protects(checkDemand,                      'OAUTH_CALLBACK'),
  use(createSession,                         'OAUTH_CALLBACK'),

  // the hand-off to an app's host, and from there to the additional hosts
  protects(readHandOff,                      'HAND_OFF', 'FLOW', 'CHAIN'),
  protects(checkHandOffHost,                 'HAND_OFF', 'FLOW', 'CHAIN'),
  protects(checkHandOffAge,                  'HAND_OFF', 'FLOW', 'CHAIN'),
  protects(checkFlow,                        'HAND_OFF', 'CHAIN'),
  protects(claimHandOff,                     'HAND_OFF', 'CHAIN'),
  use(takeSession,                           'HAND_OFF'),
  use(tieBrowser,                            'FLOW'),
  use(nextHost,                              'HAND_OFF', 'CHAIN'),
  use(arrive,                                'ARRIVAL'),

  // programs whose users sign in by a browser
  use(giveLoginUrl,                          'PROGRAM_LOGIN'),
  use(requireCountingSession,                'PROGRAM'),
  protects(askUnlessJustSignedIn,            'PROGRAM'),
  use(giveProgramToken,                      'PROGRAM'),

  // signing out
  use(signOutHere,                           'APP_SIGN_OUT'),
  protects(askUnlessOrdered,                 'SIGN_OUT'),
  use(signOutEverywhere,                     'SIGN_OUT'),
  use(resumeSignIn,                          'SIGNED_OUT'),
  use(signedOutPage,                         'SIGNED_OUT'),
  use(clearCookies,                          'CLEAR_COOKIES'),

  // pages and documents
  use(toUserPage,                            'HOME'),
  use(userPage,                              'ME'),
  use(userJson,                              'USER'),
  use(portalPage,                            'PORTAL'),
  use(portalJson,                            'PORTAL_API'),
  use(wellKnown,                             'WELL_KNOWN'),
  use(jwks,                                  'JWKS'),
  use(robots,                                'ROBOTS'),
]

/** Runs the steps of the visit's endpoint until one answers. @throws {Fault} what a step threw */
export async function runPipeline(visit: Visit, rows: readonly Row[] = PIPELINE): Promise<Answer> {
  for (const { step, endpoints } of rows) {
    if (!endpoints.includes(visit.endpoint)) continue
    const answer = await step(visit)
    if (answer !== undefined) return answer
  }
  throw new Error(`${visit.endpoint}: no step answered`)
}
