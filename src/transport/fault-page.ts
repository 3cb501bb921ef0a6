/**
 * What a client is told of a `Fault`: words chosen from its code, never its message.
 *
 * @module
 */
import type { Fault, FaultCode, MendedBy } from '../errors.ts'
import { html } from './html.ts'
import { type Action, actionBar, factList, renderPage } from './page.ts'

interface Words {
  readonly heading: string
  readonly text: string
}

const WORDS: Partial<Record<FaultCode, Words>> = {
  STORE_UNAVAILABLE: {
    heading: 'Sessions can’t be read right now',
    text: 'The place where sessions are kept doesn’t answer. Nobody has been signed out by this.',
  },
  IDP_UNREACHABLE: {
    heading: 'The identity provider doesn’t answer',
    text: 'Signing in goes through your organisation’s identity provider, which can’t be reached at the moment.',
  },
  IDP_REFUSED: {
    heading: 'The identity provider refused the sign-in',
    text: 'It did not confirm who you are. Try again, or use another account.',
  },
  IDP_ERROR: {
    heading: 'The identity provider could not sign you in',
    text: 'It answered with an error instead of an identity.',
  },
  IDP_ANSWER_INVALID: {
    heading: 'The identity provider’s answer can’t be trusted',
    text: 'Its answer did not pass the checks, so nobody has been signed in.',
  },
  IDP_ISSUER_DIFFERS: {
    heading: 'The identity provider has another name than this proxy expects',
    text: 'The address of the provider in the configuration is not what the provider calls itself, so nobody can sign in.',
  },
  IDP_NOT_CONFIGURED: {
    heading: 'No identity provider is set up',
    text: 'This deployment has no identity provider for what you opened, so nobody can sign in to it.',
  },
  STEP_UP_FAILED: {
    heading: 'This app needs another sign-in',
    text: 'It asks for one that is more recent or stronger, and the identity provider did not bring it. Your other apps go on as before.',
  },
  CLOCK_SKEW: {
    heading: 'Two clocks disagree',
    text: 'The clocks of this proxy and of the identity provider are too far apart to check the sign-in.',
  },
  OAUTH_STATE_INVALID: {
    heading: 'This sign-in can’t be continued',
    text: 'The answer does not belong to a sign-in that was begun here, or it has been used already.',
  },
  OAUTH_STATE_EXPIRED: {
    heading: 'This sign-in took too long',
    text: 'A sign-in must be finished within an hour of its beginning. Start again.',
  },
  OAUTH_STATE_FOREIGN: {
    heading: 'This sign-in was begun in another browser',
    text: 'A sign-in can only be finished where it was begun. If it was begun here, this browser did not keep our cookie: allow cookies for this site and try again.',
  },
  COOKIES_REQUIRED: {
    heading: 'This browser doesn’t keep the session cookie',
    text: 'You are signed in, but the cookie that says so does not come back. Allow cookies for this site and try again. If they are allowed, those who run this proxy should compare cookie_domain and cookie_same_site with the names of their hosts.',
  },
  SIGNED_URL_INVALID: {
    heading: 'This address is not complete',
    text: 'It was altered, shortened, or never made here. Open the app itself instead of a stored address.',
  },
  SIGNED_URL_EXPIRED: {
    heading: 'This address is too old',
    text: 'Addresses of the sign-in page work for a few minutes only. Bookmark the app instead of the sign-in page.',
  },
  REDIRECT_NOT_OURS: {
    heading: 'That address is not served here',
    text: 'After the sign-in you would have been sent to an address that is not one of this deployment’s apps.',
  },
  REQUEST_INVALID: {
    heading: 'The request is not valid',
    text: 'It could not be understood, or came from another site.',
  },
  NOT_FOUND: { heading: 'Nothing is here', text: 'No page of this name exists on this host.' },
  METHOD_NOT_ALLOWED: {
    heading: 'This page can’t be used like that',
    text: 'The request method is not allowed here.',
  },
  SESSION_GONE: {
    heading: 'Your session is over',
    text: 'It was ended while this request was under way. Sign in again to go on.',
  },
  ACCOUNT_SWITCHED_OFF: {
    heading: 'Your account is deactivated',
    text: 'The directory of your organisation says that this account is not to be used any more.',
  },
  NOT_SIGNED_IN: { heading: 'You are not signed in', text: 'Sign in to see this page.' },
}

const OTHERWISE: Words = {
  heading: 'Something went wrong',
  text: 'The proxy could not answer this request.',
}

const WHO_MENDS: Record<MendedBy, string | undefined> = {
  user: undefined,
  client: undefined,
  operator: 'Those who run this proxy can fix it: tell them the request id below.',
  'identity provider':
    'Try again in a moment. If it stays like this, tell those who run your identity provider the request id below.',
  upstream: 'Those who run the app can fix it: tell them the request id below.',
  envoy: 'Try again in a moment. If it stays like this, tell those who run this proxy the request id below.',
}

export interface FaultContext {
  readonly decisionId: string | undefined
  /** What the reader can do next; the caller has made sure that the targets are ours. */
  readonly actions?: readonly Action[] | undefined
  /** Where the reader was on the way to: a host of ours. */
  readonly address?: string | undefined
  /** A few words more, from the caller. */
  readonly detail?: string | undefined
}

/** A page for a person. `fault` is `undefined` for a bug, of which nothing is told. */
export function faultPage(
  fault: Fault | undefined,
  { decisionId, actions, address, detail }: FaultContext,
): string {
  const { heading, text } = (fault && WORDS[fault.code]) ?? OTHERWISE
  const mends = WHO_MENDS[fault?.mendedBy ?? 'operator']
  return renderPage({
    title: heading,
    heading,
    tone: fault !== undefined && fault.status < 500 ? 'warn' : 'bad',
    requestId: decisionId,
    body: html`<p>${text}</p>
${detail !== undefined && html`<p>${detail}</p>`}
${address !== undefined && factList([['Address', address]])}
${decisionId !== undefined && mends !== undefined && html`<p class="soft">${mends}</p>`}
${actions !== undefined && actions.length > 0 && actionBar(actions)}`,
  })
}

/** The same for a program. */
export function faultJson(fault: Fault | undefined, { decisionId, detail }: FaultContext): string {
  const { text } = (fault && WORDS[fault.code]) ?? OTHERWISE
  return JSON.stringify({
    error: (fault?.code ?? 'INTERNAL').toLowerCase(),
    message: detail ?? text,
    request_id: decisionId,
  })
}
