/**
 * Runs a folder of `examples/` as it stands: its app, its configuration, the real `serve`. Only ports and the
 * OpenID provider are those of the test, and `example.com` is `localhost`.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { request } from '../harness/http-client.ts'
import { freePorts, tempDir } from '../harness/ports.ts'
import { type RunningProcess, startProcess } from '../harness/process.ts'
import { startRealProvider } from '../harness/real-provider.ts'
import { type LogLine, type Sallyport, sallyportCli, startSallyport } from '../harness/sallyport.ts'
import { until } from '../harness/until.ts'
import { UserAgent } from '../harness/user-agent.ts'

export const ROOT = join(import.meta.dirname, '..', '..')

export interface Example extends AsyncDisposable {
  url(host: string, path?: string): string
  /** A new browser. */
  agent(): UserAgent
  /** A browser that has opened `url` as that user, and the page it came to. */
  signedIn(
    login: string,
    url: string,
  ): Promise<{ agent: UserAgent; page: Awaited<ReturnType<UserAgent['visit']>> }>
  /** Edits the text of the configuration file. */
  edit(change: (text: string) => string): Promise<void>
  /** Makes a service account as the pages tell, and returns its token. */
  serviceAccount(name: string, ...options: readonly string[]): Promise<string>
  /** An empty folder for the app and its clients. */
  readonly folder: string
  /** File of the authority by which clients trust the proxy. */
  readonly caFile: string
  /** PEM of the certificate that the proxy shows for a host, for Chromium. */
  certificateOf(host: string): Promise<string>
  waitForLog(what: string, match: (line: LogLine) => boolean): ReturnType<Sallyport['waitForLog']>
}

/** An app and the port that it takes; in `folder` it may keep what it likes. */
export type StartApp = (given: {
  readonly port: number
  readonly folder: string
  /** The public address of a host, as `Example.url`. */
  readonly url: Example['url']
}) => Promise<AsyncDisposable>

const appOf =
  (name: string): StartApp =>
  async ({ port }) => {
    const app = startProcess({
      name: `app of ${name}`,
      command: process.execPath,
      args: [join(ROOT, 'examples', name, 'app.ts')],
      env: { PORT: String(port) },
    })
    await app.waitForLine(/listens/)
    return app
  }

export async function startExample(name: string, startApp: StartApp = appOf(name)): Promise<Example> {
  await using undo = new AsyncDisposableStack()
  const folder = undo.use(await tempDir('ex'))
  const appFolder = undo.use(await tempDir('app'))
  const [port = 0, healthPort = 0, appPort = 0] = await freePorts(3)
  const url = (host: string, path = '/'): string => `https://${host}.localhost:${port}${path}`
  const provider = undo.use(
    await startRealProvider({ redirectUris: [url('authenticate', '/oauth2/callback')] }),
  )
  undo.use(await startApp({ port: appPort, folder: appFolder.path, url }))

  let text = (await readFile(join(ROOT, 'examples', name, 'config.yaml'), 'utf8'))
    .replaceAll(/(?<=localhost|127\.0\.0\.1):8443/g, `:${port}`)
    .replace(':28081', `:${healthPort}`)
    .replaceAll(':3000', `:${appPort}`)
    .replace('https://idp.example.com', provider.issuer)
    .replaceAll(/(?<=https:\/\/[\w-]+)\.example\.com/g, `.localhost:${port}`)
  if (!text.includes('\naddress:'))
    text += `\naddress: 127.0.0.1:${port}\nhealth_check_addr: 127.0.0.1:${healthPort}\n`
  const sallyport = undo.use(
    await startSallyport({
      folder: folder.path,
      config: text,
      healthPort,
      env: { IDP_CLIENT_SECRET: provider.clientSecret },
    }),
  )
  const caFile = join(sallyport.stateDir, 'ca', 'local-ca.pem')
  const ca = await readFile(caFile, 'utf8')
  const agent = (): UserAgent => new UserAgent({ ca })
  const stop = undo.move()
  return {
    url,
    agent,
    folder: appFolder.path,
    caFile,
    async signedIn(login, target) {
      const user = agent()
      const form = await user.visit(target)
      return { agent: user, page: await user.submit(form, { login }) }
    },
    async edit(change) {
      text = change(text)
      await sallyport.write(text)
    },
    async serviceAccount(account, ...options) {
      const args = ['service-account', 'create', account, ...options, '--config', sallyport.configFile]
      const env = { IDP_CLIENT_SECRET: provider.clientSecret }
      const { code, stdout, stderr } = await sallyportCli(args, { env })
      assert.equal(code, 0, stderr)
      return stdout.trim()
    },
    certificateOf: async (host) => await shownCertificate(port, `${host}.localhost`),
    waitForLog: async (what, match) => await sallyport.waitForLog(what, match),
    [Symbol.asyncDispose]: () => stop.disposeAsync(),
  }
}

function shownCertificate(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.toString() ?? '')
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

/** Waits until the app answers HTTP on its port; fails at once with its last words when it ends before. */
export async function answering(app: RunningProcess, url: string): Promise<RunningProcess> {
  try {
    await until(
      async () => {
        if (app.exit !== undefined) throw new Error(app.lines.slice(-15).join('\n'))
        return (await request({ url })).status < 500
      },
      { what: `${url} to answer`, withinMs: 60_000, everyMs: 50 },
    )
    return app
  } catch (error) {
    await app.stop(0)
    throw error
  }
}
