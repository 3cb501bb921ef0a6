/**
 * The demo: everything a first look needs on one machine, with real parts and no account anywhere.
 *
 * @module
 */
import type { Config, Route } from '../../config/config.ts'
import { Fault, systemCodeOf } from '../../errors.ts'
import { type Sallyport, startSallyport } from '../../main.ts'
import { createHttpClient } from '../../outbound/http-client.ts'
import { prepareDemo } from './config.ts'
import { startDemoProvider } from './openid-provider.ts'
import { startSampleApp } from './sample-app.ts'

export interface DemoOptions {
  /** Holds the configuration to play with, and all state. */
  readonly directory: string
  readonly envoy: 'managed' | 'external'
  /** Where the tour is printed. */
  readonly output: { write(text: string): unknown }
  readonly signal?: AbortSignal
}

/** @throws {Fault} whatever keeps it from starting; nothing is left running then */
export async function startDemo({ directory, envoy, output, signal }: DemoOptions): Promise<Sallyport> {
  await using running = new AsyncDisposableStack()
  const configFile = await prepareDemo(directory)
  const sallyport = running.use(
    await startSallyport({ configFile, stateDir: directory, envoy, signal, localCaDomains: ['localhost'] }),
  )
  const { current } = sallyport.config
  const app = routeNamed(current, 'app')
  const provider = routeNamed(current, 'idp')
  running.use(
    await portNamed(
      'idp',
      provider,
      async (port) =>
        await startDemoProvider({
          issuer: current.settings.idp_provider_url ?? provider.from,
          authenticateUrl: current.settings.authenticate_service_url ?? '',
          clientSecret: current.settings.idp_client_secret?.reveal() ?? '',
          port,
        }),
    ),
  )
  const http = running.use(createHttpClient({ trustedCa: [sallyport.localCa.certificatePem] }))
  running.use(
    await portNamed(
      'app',
      app,
      async (port) =>
        await startSampleApp({
          port,
          fetch: (url, init) => http.fetch(url, init),
          jwksUrl: `${app.from}/.well-known/pomerium/jwks.json`,
        }),
    ),
  )
  const stop = running.move()
  return {
    ...sallyport,
    async ready() {
      await sallyport.ready()
      output.write(tour(current, configFile, directory, sallyport))
    },
    [Symbol.asyncDispose]: () => stop.disposeAsync(),
  }
}

function routeNamed(config: Config, name: string): Route {
  const route = config.routes.find((candidate) => candidate.name === name)
  if (route !== undefined) return route
  throw new Fault(
    'CONFIG_INVALID',
    `${config.file}: the demo needs a route named "${name}"; delete the file to get a fresh one`,
  )
}

/** Runs a part of the demo on the port that its route points to. */
async function portNamed<Part>(
  name: string,
  route: Route,
  start: (port: number) => Promise<Part>,
): Promise<Part> {
  const port = route.to?.[0]?.port ?? 0
  try {
    return await start(port)
  } catch (error) {
    if (systemCodeOf(error) !== 'EADDRINUSE') throw error
    const { file, line } = route.position
    throw new Fault(
      'PORT_IN_USE',
      `127.0.0.1:${port} is in use; the demo wants it for its route "${name}". Stop what holds it, or write another port at "to" (${file}:${line})`,
      { cause: error },
    )
  }
}

function tour(config: Config, configFile: string, directory: string, { localCa }: Sallyport): string {
  const urls = config.routes
    .filter(({ name }) => name !== 'idp')
    .map(({ from, description }) => `  ${from.padEnd(38)} ${description ?? ''}`)
  const authenticate = config.settings.authenticate_service_url ?? ''
  return `
Sallyport's demo is running.

${urls.join('\n')}
  ${authenticate.padEnd(38)} where you sign in and out

Try this
  1. Open ${routeNamed(config, 'app').from} and sign in as Bob: denied, and told why.
  2. Switch to Alice: allowed; the app shows the signed identity it received.
  3. Edit ${configFile}
     change "has: staff" to "has: guests", save, and reload: it applies at once.

The certificate is from a CA of your own: accept the browser's warning, or trust
  ${localCa.certificateFile}
State (sessions, keys, certificates): ${directory}
Stop with Ctrl-C.

`
}
