/**
 * Refused by policy, by the form of the request, or by a failure: what the requester is told.
 *
 * Who you are, how to become somebody else, what is missing, and the id under which the log has the rest.
 *
 * @module
 */
import { CLEAR_COOKIES_PATH } from '../../edge/own-links.ts'
import { Fault } from '../../errors.ts'
import type { Advice, Decision, TraceEntry } from '../../policy/decision.ts'
import { isSentence, type Missing, missingFor, waysIn } from '../../policy/missing.ts'
import type { Session } from '../../session/session.ts'
import { type HtmlValue, html } from '../../transport/html.ts'
import { markdown } from '../../transport/markdown.ts'
import { type Action, factList } from '../../transport/page.ts'
import type { LackWords } from '../../upstream/contributor.ts'
import { isUpstreamLack, UPSTREAM_LACKS, type UpstreamLack } from '../../upstream/contributors.ts'
import type { RefusalReason, Refused } from '../check.ts'
import type { Refusal } from './refusal.ts'

const SIGN_OUT_PATH = '/.pomerium/sign_out'
const ACCOUNT_PATH = '/.pomerium/'

export interface DenialPage {
  readonly host: string
  readonly session: Session | undefined
  /** Whether the page shows each rule. */
  readonly showDetails: boolean
  /** Where somebody becomes somebody else and comes back; unset: where nobody can. */
  readonly otherAccount: string | undefined
}

export function denialRefusal(
  decision: Decision,
  { host, session, showDetails, otherAccount }: DenialPage,
): Refusal {
  const missing = missingFor(decision)
  const facts = factList([
    ['Address', host],
    ['Signed in as', session && (session.email ?? session.name ?? session.userId)],
  ])
  return {
    ...whatIsWrong(decision, session),
    details: html`${facts}${adviceBlocks(decision.advice)}${needs(decision, missing)}`,
    fineprint: showDetails && rulesList(decision.trace),
    actions:
      session === undefined
        ? []
        : [switchTo(otherAccount), { label: 'About your account', href: ACCOUNT_PATH }],
    members: {
      missing: missing.map(({ kind }) => kind),
      ...(decision.advice.length > 0 && {
        policies: decision.advice.map(({ policy, explanation, remediation }) => ({
          // what it is called is nobody's business who is only to be helped
          name: showDetails ? policy : undefined,
          explanation,
          remediation,
        })),
      }),
      ...(showDetails && {
        trace: decision.trace.map(({ action, criterion, truth, reason, policy, mode }) => ({
          action,
          criterion,
          truth,
          reason,
          policy,
          mode,
        })),
      }),
    },
  }
}

const switchTo = (href: string = SIGN_OUT_PATH): Action => ({
  label: 'Use another account',
  href,
  main: true,
})

type Headline = Pick<Refusal, 'status' | 'code' | 'heading' | 'message'>

/**
 * Of the connection rather than of the account. 495 is what nginx answers; no standard has a status for
 * these.
 */
const CERTIFICATE_HEADLINES: Readonly<Record<string, Headline>> = {
  'client-certificate-required': {
    status: 495,
    code: 'client_certificate_required',
    heading: 'A client certificate is needed',
    message: 'This page is open only to browsers and programs that show a client certificate.',
  },
  'invalid-client-certificate': {
    status: 495,
    code: 'invalid_client_certificate',
    heading: 'This client certificate is not accepted',
    message:
      'The client certificate is not of an authority that is trusted here, or it has expired or was revoked.',
  },
}

function whatIsWrong({ reasons }: Decision, session: Session | undefined): Headline {
  const ofTheConnection = reasons.find((reason) => Object.hasOwn(CERTIFICATE_HEADLINES, reason))
  return (
    CERTIFICATE_HEADLINES[ofTheConnection ?? ''] ?? {
      status: 403,
      code: 'access_denied',
      heading: 'You can’t open this page',
      message:
        session === undefined
          ? 'This page is not open to everyone.'
          : 'Your account is not allowed to open this page.',
    }
  )
}

function needs(decision: Decision, missing: readonly Missing[]): readonly HtmlValue[] {
  const ways = waysIn(decision)
  if (ways.length > 0) return waysList(ways)
  // Of facts that a rule against somebody could not be decided by, each holds them back.
  const needed = missing.filter(({ kind }) => !isSentence(kind))
  return [
    ...missing.filter(({ kind }) => isSentence(kind)).map(({ words }) => html`<p>${words}</p>`),
    needed.length > 0 && waysList([needed]),
  ]
}

const wordsOf = (way: readonly Missing[]): string => way.map(({ words }) => words).join(', and ')

/** Says whether one is enough: people would else ask for a group, and for another account beside it. */
function waysList(ways: readonly (readonly Missing[])[]): readonly HtmlValue[] {
  const [only = [], another] = ways
  const [lead, entries] =
    another !== undefined
      ? ['To open this page you need one of these:', ways.map(wordsOf)]
      : [
          only.length > 1 ? 'To open this page you need all of these:' : 'To open this page you need',
          only.map(({ words }) => words),
        ]
  return [html`<p>${lead}</p><ul>${entries.map((entry) => html`<li>${entry}</li>`)}</ul>`]
}

/** What whoever wrote the policies has to say; without it the page says what kinds of things are missing. */
function adviceBlocks(advice: readonly Advice[]): readonly HtmlValue[] {
  return advice.map(({ explanation, remediation }) => [
    explanation !== undefined && markdown(explanation),
    remediation !== undefined && html`<h2>What you can do</h2>${markdown(remediation)}`,
  ])
}

const TRUTHS = { hit: 'met', miss: 'not met', unknown: 'not known' } as const

/** A list and no table: five columns of long words fit on no phone. */
function rulesList(trace: readonly TraceEntry[]): HtmlValue {
  const rows = trace.map(
    ({ action, criterion, truth, reason, policy, mode }) =>
      html`<li><span class="does"><strong>${criterion}</strong> <span class="soft">${action} rule${policy !== undefined && html` of <bdi>${policy}</bdi>`}${mode === 'observe' && ', observed only'}</span></span><span>${TRUTHS[truth]}</span><code>${reason}</code></li>`,
  )
  return html`<h2>Rules</h2><ul class="rules">${rows}</ul>`
}

/** How it may be cured that something for the upstream is not there. */
const CURES = {
  'sign out': () => ({ actions: [{ label: 'Sign out', href: SIGN_OUT_PATH }] }),
  'sign in again': (urlOf: () => string | undefined) => {
    const loginUrl = urlOf()
    if (loginUrl === undefined) return {}
    return { actions: [{ label: 'Sign in again', href: loginUrl, main: true }], loginUrl }
  },
} as const

/** Those of the upstream are told beside whatever lacks: upstream/contributors.ts. */
const REFUSALS: Readonly<Record<Exclude<RefusalReason, UpstreamLack>, Omit<Refusal, 'code'>>> = {
  'headers-too-large': {
    status: 431,
    isPassing: true,
    heading: 'Too much in the headers',
    message:
      'The headers of this request, cookies included, are larger than 48 KB. Clear the cookies of this site and try again.',
    actions: [{ label: 'Clear cookies', href: CLEAR_COOKIES_PATH, main: true }],
  },
  'ambiguous-target': {
    status: 400,
    heading: 'This address can’t be read',
    message: 'Two programs could read the address in two ways, so it is not passed on',
  },
  'unknown-method': {
    status: 400,
    heading: 'This method can’t be read',
    message: 'Methods of HTTP are in upper case. This one is not, so the request is not passed on.',
  },
  'method-not-allowed': {
    status: 405,
    heading: 'Not with this method',
    message: 'TRACE would send back what is meant for the app alone, so it is not passed on.',
  },
  'no-person-signs-in': {
    status: 403,
    heading: 'For people only',
    message:
      'This page asks for a recent or strong sign-in of a person, which a service account or a program can’t bring.',
  },
  'conflicting-credentials': {
    status: 400,
    isPassing: true,
    heading: 'Two identities at once',
    message:
      'The request says that it comes from two different sign-ins. Try again: what another site has put beside your own session is taken away. If it stays like this, sign out and in again, or send one credential only.',
    actions: [{ label: 'Sign out', href: SIGN_OUT_PATH }],
  },
  'malformed-credentials': {
    status: 400,
    heading: 'This credential can be read in two ways',
    message:
      'A header that says who sends the request is written in a form that programs read in different ways. Send the scheme, one blank and the credential.',
  },
  'invalid-token': {
    status: 401,
    heading: 'This token is not accepted',
    message: 'The token that came with the request is not accepted',
  },
  'token-not-for-this-route': {
    status: 403,
    heading: 'This token is for another app',
    message: 'The token that came with the request is good, but not for this app.',
  },
  'too-many-invalid-tokens': {
    status: 429,
    isPassing: true,
    heading: 'Too many bad tokens',
    message: 'Too many tokens that are not accepted came from this address. Try again in a minute.',
  },
  'too-many-open-requests': {
    status: 429,
    isPassing: true,
    heading: 'Too much open at once',
    message:
      'You have as many requests to this app open as one client may have. Close other windows of it, or wait for their answers, and try again',
  },
  'account-deactivated': {
    status: 403,
    heading: 'Your account is deactivated',
    message: 'The directory of your organisation says that this account is not to be used any more.',
  },
}

/** Where a person can go on, made when it is told. */
interface WaysOn {
  /** To sign in again as who they are. */
  readonly signInAgain: () => string | undefined
  /** To become somebody else and come back. */
  readonly otherAccount: () => string | undefined
}

export function requestRefusal({ reason, detail }: Refused, { signInAgain, otherAccount }: WaysOn): Refusal {
  const refusal = isUpstreamLack(reason) ? lackRefusal(reason, signInAgain) : refusalOf(reason, otherAccount)
  const message = detail === undefined ? refusal.message : `${refusal.message}: ${detail}.`
  return { code: reason.replaceAll('-', '_'), ...refusal, message }
}

function lackRefusal(reason: UpstreamLack, loginUrl: () => string | undefined): Omit<Refusal, 'code'> {
  const { status, heading, message, cure }: LackWords = UPSTREAM_LACKS[reason]
  return { status, heading, message, isPassing: status === 503, ...(cure && CURES[cure](loginUrl)) }
}

function refusalOf(
  reason: Exclude<RefusalReason, UpstreamLack>,
  otherAccount: WaysOn['otherAccount'],
): Omit<Refusal, 'code'> {
  const refusal = REFUSALS[reason]
  return reason === 'account-deactivated' ? { ...refusal, actions: [switchTo(otherAccount())] } : refusal
}

const FAILED = { isPassing: true, isFailure: true } as const

/** What of a failure is told: a sentence by its status, never its message. A bug is told as less still. */
export function failureRefusal(error: unknown): Refusal {
  const fault = error instanceof Fault ? error : undefined
  if (fault?.code === 'ROUTE_UNKNOWN')
    return {
      isFailure: true,
      status: 404,
      code: 'route_unknown',
      heading: 'Nothing is here',
      message: 'No app is published at this address.',
    }
  if (fault?.code === 'SERVERLESS_TOKEN_UNAVAILABLE')
    return {
      ...FAILED,
      status: 502,
      code: 'serverless_token_unavailable',
      heading: 'The app can’t be reached right now',
      message:
        'The platform of this app wants a token from the proxy, and none is to be had. Try again in a moment.',
    }
  if (fault !== undefined && fault.status >= 502)
    return {
      ...FAILED,
      status: fault.status === 502 ? 502 : 503,
      code: fault.code.toLowerCase(),
      heading: 'Not available right now',
      message: 'Whether you may open this page could not be found out. Try again in a moment.',
    }
  return {
    ...FAILED,
    status: 500,
    code: fault?.code.toLowerCase() ?? 'internal',
    heading: 'Something went wrong',
    message:
      'Whether you may open this page could not be found out. Those who run this proxy can look up the request id.',
  }
}
