/**
 * Refused by policy, by the form of the request, or by a failure: what the requester is told.
 *
 * Who you are, how to become somebody else, what is missing, and the id under which the log has the rest.
 *
 * @module
 */
import { Fault } from '../../errors.ts'
import type { Advice, Decision, TraceEntry } from '../../policy/decision.ts'
import { type Missing, type MissingKind, missingFor } from '../../policy/missing.ts'
import type { Session } from '../../session/session.ts'
import { type HtmlValue, html } from '../../transport/html.ts'
import { markdown } from '../../transport/markdown.ts'
import { factList } from '../../transport/page.ts'
import type { LackWords } from '../../upstream/contributor.ts'
import { isUpstreamLack, UPSTREAM_LACKS, type UpstreamLack } from '../../upstream/contributors.ts'
import type { RefusalReason, Refused } from '../check.ts'
import type { Refusal } from './refusal.ts'

const SIGN_OUT_PATH = '/.pomerium/sign_out'
const ACCOUNT_PATH = '/.pomerium/'

/** @param otherAccount where somebody becomes somebody else */
export function denialRefusal(
  decision: Decision,
  session: Session | undefined,
  showDetails: boolean,
  otherAccount: string = SIGN_OUT_PATH,
): Refusal {
  const missing = missingFor(decision)
  const who = session && factList([['Signed in as', session.email ?? session.name ?? session.userId]])
  return {
    ...whatIsWrong(decision, session),
    details: html`${who}${adviceBlocks(decision.advice)}${needs(missing)}${showDetails && traceTable(decision.trace)}`,
    actions:
      session === undefined
        ? []
        : [
            { label: 'Use another account', href: otherAccount, main: true },
            { label: 'About your account', href: ACCOUNT_PATH },
          ],
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

function needs(missing: readonly Missing[]): readonly HtmlValue[] {
  const sentences = missing.filter(({ kind }) => isSentence(kind))
  const needed = missing.filter(({ kind }) => !isSentence(kind))
  return [
    ...sentences.map(({ words }) => html`<p>${words}</p>`),
    needed.length > 0 &&
      html`<p>To open this page you need</p><ul>${needed.map(({ words }) => html`<li>${words}</li>`)}</ul>`,
  ]
}

/** What whoever wrote the policies has to say; without it the page says what kinds of things are missing. */
function adviceBlocks(advice: readonly Advice[]): readonly HtmlValue[] {
  return advice.map(({ explanation, remediation }) => [
    explanation !== undefined && markdown(explanation),
    remediation !== undefined && html`<h2>What you can do</h2>${markdown(remediation)}`,
  ])
}

function traceTable(trace: readonly TraceEntry[]): HtmlValue {
  const rows = trace.map(
    ({ action, criterion, truth, reason, policy, mode }) =>
      html`<tr><td>${action}${mode === 'observe' && ' (observed only)'}</td><td>${policy}</td><td>${criterion}</td><td>${truth}</td><td>${reason}</td></tr>`,
  )
  return html`<h2>Rules</h2><table><tr><th>Rule</th><th>Policy</th><th>Criterion</th><th>Result</th><th>Reason</th></tr>${rows}</table>`
}

const isSentence = (kind: MissingKind) => kind === 'excluded' || kind === 'nothing'

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
    heading: 'Too much in the headers',
    message:
      'The headers of this request, cookies included, are larger than 48 KB. Clear the cookies of this site and try again.',
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
    heading: 'Too many bad tokens',
    message: 'Too many tokens that are not accepted came from this address. Try again in a minute.',
  },
  'too-many-open-requests': {
    status: 429,
    heading: 'Too much open at once',
    message:
      'You have as many requests to this app open as one client may have. Close other windows of it, or wait for their answers, and try again',
  },
  'account-deactivated': {
    status: 403,
    heading: 'Your account is deactivated',
    message: 'The directory of your organisation says that this account is not to be used any more.',
    actions: [{ label: 'Use another account', href: SIGN_OUT_PATH, main: true }],
  },
}

/** @param loginUrl where a person can sign in again */
export function requestRefusal({ reason, detail }: Refused, loginUrl: () => string | undefined): Refusal {
  const refusal = isUpstreamLack(reason) ? lackRefusal(reason, loginUrl) : REFUSALS[reason]
  const message = detail === undefined ? refusal.message : `${refusal.message}: ${detail}.`
  return { code: reason.replaceAll('-', '_'), ...refusal, message }
}

function lackRefusal(reason: UpstreamLack, loginUrl: () => string | undefined): Omit<Refusal, 'code'> {
  const { status, heading, message, cure }: LackWords = UPSTREAM_LACKS[reason]
  return { status, heading, message, ...(cure && CURES[cure](loginUrl)) }
}

/** What of a failure is told: a sentence by its status, never its message. A bug is told as less still. */
export function failureRefusal(error: unknown): Refusal {
  const fault = error instanceof Fault ? error : undefined
  if (fault?.code === 'ROUTE_UNKNOWN')
    return {
      status: 404,
      code: 'route_unknown',
      heading: 'Nothing is here',
      message: 'No app is published at this address.',
    }
  if (fault?.code === 'SERVERLESS_TOKEN_UNAVAILABLE')
    return {
      status: 502,
      code: 'serverless_token_unavailable',
      heading: 'The app can’t be reached right now',
      message:
        'The platform of this app wants a token from the proxy, and none is to be had. Try again in a moment.',
    }
  if (fault !== undefined && fault.status >= 502)
    return {
      status: fault.status === 502 ? 502 : 503,
      code: fault.code.toLowerCase(),
      heading: 'Not available right now',
      message: 'Whether you may open this page could not be found out. Try again in a moment.',
    }
  return {
    status: 500,
    code: fault?.code.toLowerCase() ?? 'internal',
    heading: 'Something went wrong',
    message:
      'Whether you may open this page could not be found out. Those who run this proxy can look up the decision id.',
  }
}
