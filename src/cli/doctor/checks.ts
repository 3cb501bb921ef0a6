/**
 * What `sallyport doctor` looks at, in order. Each check changes nothing, and its failure is a finding.
 *
 * @module
 */
import { lookup } from 'node:dns/promises'
import { existsSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { findEnvoy } from '../../../envoy/find.ts'
import { assertPortFree } from '../../../envoy/port.ts'
import { certificateWarnings } from '../../config/certificate-dates.ts'
import type { Config, SignInProvider } from '../../config/config.ts'
import { servedNames } from '../../config/routing/served-names.ts'
import { Fault, reasonOf, systemCodeOf } from '../../errors.ts'
import { openProvider } from '../../identity/open-provider.ts'
import { createHttpClient } from '../../outbound/http-client.ts'
import { storeFileIn } from '../../session/open-state.ts'
import { isStoreInUse } from '../../session/sqlite/store-use.ts'
import { atOnce } from '../../turns.ts'
import { type Finding, ok, problem, warning } from './finding.ts'

export interface Patient {
  readonly config: Config
  readonly stateDir: string
  /** Of the configuration, apart from those of certificates: secret files that others can read. */
  readonly warnings: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
}

export type Check = (patient: Patient) => Promise<readonly Finding[]> | readonly Finding[]

/** Of a long list each check looks at so many, and says so. */
const MOST_LOOKED_AT = 100
const AT_ONCE = 8
const PATIENCE_MS = 5000

export const CHECKS: readonly Check[] = [names, certificates, permissions, ports, envoy, upstreams, providers]

async function names({ config }: Patient): Promise<readonly Finding[]> {
  const hosts = servedNames(config).filter((name) => !name.includes('*'))
  return await forEach('dns', hosts, async (host) => {
    // Names under .localhost are this machine, whatever the resolver says (RFC 6761).
    if (host === 'localhost' || host.endsWith('.localhost')) return []
    try {
      const { address } = await lookup(host)
      return [ok('dns', `${host} is ${address}`)]
    } catch (error) {
      return [
        problem(
          'dns',
          `${host} has no address (${systemCodeOf(error) ?? reasonOf(error)}), so nobody reaches it`,
          'add a DNS record (A, AAAA or CNAME) that leads to this machine or its load balancer',
          'docs/install.md#names-and-ports',
        ),
      ]
    }
  })
}

function certificates({ config, now }: Patient): readonly Finding[] {
  const found = atOnce(certificateWarnings(config, now())).map((message) =>
    (/expired|valid from/.test(message) ? problem : warning)(
      'certificates',
      message,
      message.split(': ').at(-1) ?? '',
      'docs/configuration.md#certificates',
    ),
  )
  if (found.length > 0) return found
  const { length } = config.settings.certificates
  return [
    ok(
      'certificates',
      length === 0 ? 'made by the local authority' : `${length} good, and all hosts are covered`,
    ),
  ]
}

function permissions({ stateDir, warnings }: Patient): readonly Finding[] {
  const loose = warnings.map((message) =>
    warning(
      'permissions',
      message,
      message.slice(message.lastIndexOf(': ') + 2),
      'docs/operations.md#the-state-folder',
    ),
  )
  if (!existsSync(stateDir)) return [...loose, ok('permissions', `${stateDir} is made at the first start`)]
  const { mode, uid } = statSync(stateDir)
  const own = process.getuid?.()
  if (own !== undefined && uid !== own)
    return [
      ...loose,
      problem(
        'permissions',
        `${stateDir} belongs to user ${uid}, and this is user ${own}`,
        `chown -R ${own} ${stateDir}, or run this as that user`,
        'docs/operations.md#the-state-folder',
      ),
    ]
  if ((mode & 0o077) !== 0)
    return [
      ...loose,
      problem(
        'permissions',
        `${stateDir} can be read by others on this machine`,
        `chmod 700 ${stateDir}`,
        'docs/operations.md#the-state-folder',
      ),
    ]
  return [...loose, ok('permissions', `${stateDir} is closed to others`)]
}

const LISTENS = ['address', 'http_redirect_addr', 'health_check_addr', 'metrics_address'] as const

async function ports({ config, stateDir }: Patient): Promise<readonly Finding[]> {
  if (isStoreInUse(storeFileIn(stateDir)))
    return [ok('ports', 'held by the Sallyport that runs with this folder')]
  const found = await Promise.all(
    LISTENS.map(async (key): Promise<readonly Finding[]> => {
      const address = config.settings[key]
      if (address === undefined) return []
      try {
        await assertPortFree({ ...address, key })
        return [ok('ports', `${key}: ${address.host}:${address.port} is free`)]
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        const [what = '', fix = `set "${key}" to another port`] = error.message.split('; ')
        return [problem('ports', `${key}: ${what}`, fix, 'docs/errors.md')]
      }
    }),
  )
  return found.flat()
}

async function envoy({ env }: Patient): Promise<readonly Finding[]> {
  const remarks: string[] = []
  try {
    const { path, version } = await findEnvoy({
      env,
      output: { write: (text: string) => remarks.push(text.trim()) > 0 },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    return [ok('envoy', `version ${version} at ${path}`)]
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const [what = '', fix = 'install Envoy, or set ENVOY_PATH'] = error.message.split('What to do: ')
    return [problem('envoy', [what.trim(), ...remarks].join(' '), fix, 'envoy/README.md')]
  }
}

async function upstreams({ config }: Patient): Promise<readonly Finding[]> {
  const targets = new Map(
    config.routes.flatMap((route) =>
      (route.to ?? []).map(({ host, port, socketPath }) => {
        const where = socketPath ?? `${host}:${port}`
        return [
          where,
          { where, from: route.from, to: socketPath === undefined ? { host, port } : { path: socketPath } },
        ] as const
      }),
    ),
  )
  return await forEach('upstreams', [...targets.values()], async ({ where, from, to }) => {
    const trouble = await connectionTrouble(to)
    if (trouble === undefined) return [ok('upstreams', `${where} answers`)]
    return [
      warning(
        'upstreams',
        `${where} of ${from} can't be reached (${trouble})`,
        'start the app, or correct `to`; from a container, localhost is the container itself',
        'docs/upstreams.md#when-an-upstream-fails',
      ),
    ]
  })
}

function connectionTrouble(
  to: { host: string; port: number } | { path: string },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const isLocal = 'host' in to && to.host.endsWith('.localhost')
    const socket = connect({ ...to, ...(isLocal && { host: '127.0.0.1' }), timeout: PATIENCE_MS })
    const end = (trouble: string | undefined) => {
      socket.destroy()
      resolve(trouble)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end('no answer'))
    socket.once('error', (error) => end(systemCodeOf(error) ?? reasonOf(error)))
  })
}

/** Further apart than that, and sign-ins fail now and then. */
const LARGEST_SKEW_MS = 30_000
const PROVIDERS = 'docs/identity-providers.md'

async function providers(patient: Patient): Promise<readonly Finding[]> {
  const { settings } = patient.config
  const { authenticate_service_url: url, sign_in_providers: clients } = settings
  if (url === undefined || clients.length === 0) return [ok('provider', 'none is set, so nobody signs in')]
  const redirectUri = new URL('/oauth2/callback', url).href
  return await forEach('provider', clients, (client) => providerFindings(client, redirectUri, patient))
}

async function providerFindings(
  client: SignInProvider,
  redirectUri: string,
  { config, now }: Patient,
): Promise<readonly Finding[]> {
  const { certificate_authority: authority } = config.settings
  const trustedCa = authority === undefined ? [] : [authority]
  const { name, provider_url: issuer } = client
  await using provider = openProvider({ client, redirectUri, trustedCa, now })
  try {
    await provider.check()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return [
      problem(
        'provider',
        `${name}: ${error.message}`,
        'check idp_provider_url, and whether this machine may reach it',
        `${PROVIDERS}#kinds`,
      ),
    ]
  }
  const found = [ok('provider', `${name}: ${issuer} answers as it should`)]
  const plainHttpTo = client.allow_insecure_http === true ? URL.parse(issuer)?.hostname : undefined
  await using http = createHttpClient({
    trustedCa,
    timeoutMs: PATIENCE_MS,
    ...(plainHttpTo !== undefined && { plainHttpTo }),
  })
  const sample = { oauthState: 'doctor', idTokenNonce: 'doctor', codeVerifier: 'd'.repeat(43) }
  const answer = await http.fetch(await provider.authorizationUrl(sample))
  const registered =
    answer.status >= 400
      ? problem(
          'redirect-uri',
          `${name}: the provider refuses a sign-in (${answer.status}) of client ${client.client_id} that comes back to ${redirectUri}`,
          `register exactly ${redirectUri} as redirect URI of that client, and check idp_client_id`,
          PROVIDERS,
        )
      : ok('redirect-uri', `${name}: the provider takes ${redirectUri}`)
  const skew = Math.abs(Date.parse(answer.headers.get('date') ?? '') - now())
  const clock =
    skew > LARGEST_SKEW_MS
      ? problem(
          'clock',
          `${Math.round(skew / 1000)} s from that of ${name}`,
          'let a time service set the clock, such as chrony or systemd-timesyncd',
          'docs/errors.md',
        )
      : ok('clock', Number.isNaN(skew) ? `${name} does not tell its time` : `agrees with that of ${name}`)
  return [...found, registered, clock]
}

async function forEach<T>(
  check: string,
  items: readonly T[],
  look: (item: T) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const looked = items.slice(0, MOST_LOOKED_AT)
  const found: (readonly Finding[])[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < looked.length; at = next++) {
      const item = looked[at]
      if (item !== undefined) found[at] = await look(item)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const rest = items.length - looked.length
  return [...found.flat(), ...(rest > 0 ? [ok(check, `${rest} more were not looked at`)] : [])]
}
