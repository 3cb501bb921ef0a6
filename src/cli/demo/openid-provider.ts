/**
 * The demo's OpenID provider: the certified oidc-provider library with two accounts that are chosen by a
 * click.
 *
 * Real protocol, no passwords: for loopback only. It stands behind Envoy like any other app, so that the
 * user agent and Sallyport see it under one https issuer.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Configuration, Provider } from 'oidc-provider'
import { reasonOf } from '../../errors.ts'
import { html } from '../../transport/html.ts'
import { actionBar, renderPage } from '../../transport/page.ts'
import { serveLocally } from './local-server.ts'
import { PEOPLE } from './people.ts'

export const DEMO_CLIENT_ID = 'sallyport-demo'

export interface DemoProviderOptions {
  readonly issuer: string
  readonly clientSecret: string
  /** Origin of the authenticate service: where codes and signed-out visitors are sent. */
  readonly authenticateUrl: string
  readonly port: number
}

export async function startDemoProvider(options: DemoProviderOptions): Promise<AsyncDisposable> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const settings = configuration(options, await exportJWK(privateKey))
  const provider = await withoutAdvice(async () => {
    const library = await import('oidc-provider')
    const interactions = { ...settings.interactions, policy: promptPolicy(library) }
    return new library.Provider(options.issuer, { ...settings, interactions })
  })
  // Envoy in front ends TLS and says so in X-Forwarded-Proto.
  provider.proxy = true
  const answer = provider.callback()
  return await serveLocally(options.port, (request, response) => {
    interaction(provider, request, response)
      .then((answered) => (answered ? undefined : answer(request, response)))
      .catch((error: unknown) => {
        response.writeHead(400, { 'content-type': 'text/plain' })
        response.end(`This sign-in is no longer open; start again. (${reasonOf(error)})\n`)
      })
  })
}

/** The library warns against what a demo is: state in memory, on a Node that does not call itself LTS. */
async function withoutAdvice<T>(make: () => Promise<T>): Promise<T> {
  const { warn } = console
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('oidc-provider WARNING')) warn(...words)
  }
  try {
    return await make()
  } finally {
    console.warn = warn
  }
}

function configuration(options: DemoProviderOptions, key: JWK): Configuration {
  return {
    clients: [
      {
        client_id: DEMO_CLIENT_ID,
        client_secret: options.clientSecret,
        redirect_uris: [`${options.authenticateUrl}/oauth2/callback`],
        post_logout_redirect_uris: [`${options.authenticateUrl}/.pomerium/signed_out`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig' }] },
    cookies: { keys: [options.clientSecret] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    ttl: { Session: 24 * 3600, Interaction: 3600, Grant: 24 * 3600, RefreshToken: 24 * 3600 },
    issueRefreshToken: () => Promise.resolve(true),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    discovery: { prompt_values_supported: ['none', 'login', 'consent', 'select_account'] },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        logoutSource(context, form) {
          context.type = 'html'
          context.body = signOutPage(form)
        },
      },
      revocation: { enabled: true },
    },
    findAccount(_context, sub) {
      const person = PEOPLE.find((candidate) => candidate.sub === sub)
      if (person === undefined) return undefined
      const { sub: accountId, name, email, groups } = person
      return {
        accountId,
        claims: () => ({ sub: accountId, name, email, email_verified: true, groups: [...groups] }),
      }
    },
    // Nobody is asked for consent: the only client is the proxy that asks.
    async loadExistingGrant(context) {
      const { session, client, provider } = context.oidc
      if (session?.accountId === undefined || client === undefined) return undefined
      const known = session.grantIdFor(client.clientId)
      if (known !== undefined) return await provider.Grant.find(known)
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid offline_access profile email groups')
      await grant.save()
      return grant
    },
  }
}

/** Who wants to be somebody else chooses anew, without a sign-out. */
function promptPolicy({ interactionPolicy }: typeof import('oidc-provider')) {
  const policy = interactionPolicy.base()
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0)
  return policy
}

/** Answers the account chooser; false when the request is the library's. */
async function interaction(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (!url.pathname.startsWith('/interaction/')) return false
  const { prompt } = await provider.interactionDetails(request, response)
  const chosen = PEOPLE.find(({ sub }) => sub === url.searchParams.get('account'))
  if (request.method === 'POST' && chosen !== undefined) {
    await provider.interactionFinished(
      request,
      response,
      { login: { accountId: chosen.sub }, select_account: {} },
      { mergeWithLastSubmission: false },
    )
    return true
  }
  if (prompt.name !== 'login' && prompt.name !== 'select_account')
    throw new Error(`the demo provider does not ask for ${prompt.name}`)
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(chooserPage(url.pathname))
  return true
}

function chooserPage(path: string): string {
  const people = PEOPLE.map(({ sub, name, groups }, index) => ({
    label: `${name} (${groups.join(', ')})`,
    href: `${path}?account=${sub}`,
    main: index === 0,
    post: {},
  }))
  return renderPage({
    title: 'Choose an account',
    heading: 'Who are you today?',
    body: html`<p>This is the OpenID provider of the demo. A real one would ask for a password.</p>${actionBar(people)}`,
  })
}

/** @param form made by the library: a `<form id="op.logoutForm">` with its cross-site token. */
function signOutPage(form: string): string {
  const page = renderPage({
    title: 'Sign out',
    heading: 'Sign out of the demo provider too?',
    body: html`<div class="actions">
      <button class="button main" form="op.logoutForm" name="logout" value="yes" autofocus>Yes, sign me out</button>
      <button class="button" form="op.logoutForm">No, stay signed in here</button>
    </div>`,
  })
  return page.replace('</main>', `${form}</main>`)
}
