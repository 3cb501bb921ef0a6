/**
 * Keycloak as an OpenID provider that we did not choose the behaviour of: one realm, two users, and one client
 * that may exchange tokens for those of two apps.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from './http-client.ts'
import { freePorts } from './ports.ts'
import { type RunningProcess, startProcess } from './process.ts'
import { until } from './until.ts'

const REALM = 'sallyport'
export const PASSWORD = 'correct horse'
/** Clients that stand for apps: tokens may be for them. */
const APPS = ['reports', 'ledger']

export interface Keycloak extends AsyncDisposable {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly process: RunningProcess
}

export interface KeycloakOptions {
  /** From `parts.keycloak()`. */
  readonly home: string
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly accessTokenSeconds?: number
}

const user = (username: string, groups: readonly string[]): object => ({
  username,
  email: `${username}@example.com`,
  emailVerified: true,
  firstName: username[0]?.toUpperCase() + username.slice(1),
  lastName: 'Keycloak',
  enabled: true,
  credentials: [{ type: 'password', value: PASSWORD, temporary: false }],
  groups: groups.map((group) => `/${group}`),
  realmRoles: ['default-roles-sallyport', 'offline_access'],
})

const realm = (options: KeycloakOptions, clientSecret: string): object => ({
  realm: REALM,
  enabled: true,
  sslRequired: 'none',
  accessTokenLifespan: options.accessTokenSeconds ?? 300,
  groups: [{ name: 'staff', subGroups: [{ name: 'berlin' }] }, { name: 'guests' }],
  users: [user('alice', ['staff', 'staff/berlin']), user('bob', ['guests'])],
  clients: [
    {
      clientId: 'sallyport',
      secret: clientSecret,
      protocol: 'openid-connect',
      standardFlowEnabled: true,
      directAccessGrantsEnabled: false,
      serviceAccountsEnabled: true,
      redirectUris: options.redirectUris,
      attributes: {
        'post.logout.redirect.uris': options.postLogoutRedirectUris.join('##'),
        'pkce.code.challenge.method': 'S256',
        'standard.token.exchange.enabled': 'true',
      },
      defaultClientScopes: ['basic', 'profile', 'email', 'roles', 'web-origins', 'acr'],
      optionalClientScopes: ['offline_access'],
      protocolMappers: [
        {
          name: 'groups',
          protocol: 'openid-connect',
          protocolMapper: 'oidc-group-membership-mapper',
          config: {
            'claim.name': 'groups',
            // As Keycloak's own console presets it.
            'full.path': 'true',
            'id.token.claim': 'true',
            'access.token.claim': 'true',
            'userinfo.token.claim': 'true',
          },
        },
        ...APPS.map((app) => ({
          name: `for ${app}`,
          protocol: 'openid-connect',
          protocolMapper: 'oidc-audience-mapper',
          config: { 'included.client.audience': app, 'access.token.claim': 'true' },
        })),
      ],
    },
    ...APPS.concat('nobody').map((clientId) => ({
      clientId,
      protocol: 'openid-connect',
      standardFlowEnabled: false,
    })),
  ],
})

export async function startKeycloak(options: KeycloakOptions): Promise<Keycloak> {
  const clientSecret = randomUUID()
  const imports = join(options.home, 'data', 'import')
  await mkdir(imports, { recursive: true })
  await writeFile(join(imports, `${REALM}-realm.json`), JSON.stringify(realm(options, clientSecret)))
  const [port, management] = (await freePorts(2)).map(String)
  const process = startProcess({
    name: 'Keycloak',
    command: join(options.home, 'bin', 'kc.sh'),
    args: [
      'start',
      '--optimized',
      '--import-realm',
      '--cache=local',
      '--http-enabled=true',
      '--hostname-strict=false',
      '--http-host=127.0.0.1',
      `--http-port=${port}`,
      `--http-management-port=${management}`,
    ],
    env: { JAVA_OPTS_APPEND: '-Xms128m -Xmx512m -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true' },
  })
  const issuer = `http://127.0.0.1:${port}/realms/${REALM}`
  try {
    await process.waitForLine(/started in [\d.]+s/, 200_000)
    await until(
      async () => (await request({ url: `${issuer}/.well-known/openid-configuration` })).status === 200,
      { what: 'Keycloak to serve the realm', withinMs: 20_000, everyMs: 100 },
    )
  } catch (error) {
    await process.stop()
    throw error
  }
  return {
    issuer,
    clientId: 'sallyport',
    clientSecret,
    process,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  }
}
