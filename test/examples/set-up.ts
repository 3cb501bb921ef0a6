/**
 * Runs a folder of `examples/` as it stands: its app, its configuration, the real `serve`. Only ports and the
 * OpenID provider are those of the test.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts, tempDir } from '../harness/ports.ts'
import { startProcess } from '../harness/process.ts'
import { startRealProvider } from '../harness/real-provider.ts'
import { startSallyport } from '../harness/sallyport.ts'
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
}

export async function startExample(name: string): Promise<Example> {
  await using undo = new AsyncDisposableStack()
  const folder = undo.use(await tempDir('ex'))
  const [port = 0, healthPort = 0, appPort = 0] = await freePorts(3)
  const url = (host: string, path = '/'): string => `https://${host}.localhost:${port}${path}`
  const provider = undo.use(
    await startRealProvider({ redirectUris: [url('authenticate', '/oauth2/callback')] }),
  )
  const app = undo.use(
    startProcess({
      name: `app of ${name}`,
      command: process.execPath,
      args: [join(ROOT, 'examples', name, 'app.ts')],
      env: { PORT: String(appPort) },
    }),
  )
  await app.waitForLine(/listens/)

  let text = (await readFile(join(ROOT, 'examples', name, 'config.yaml'), 'utf8'))
    .replaceAll(/(?<=localhost|127\.0\.0\.1):8443/g, `:${port}`)
    .replace(':28081', `:${healthPort}`)
    .replaceAll(':3000', `:${appPort}`)
    .replace('https://idp.example.com', provider.issuer)
  const sallyport = undo.use(
    await startSallyport({
      folder: folder.path,
      config: text,
      healthPort,
      env: { IDP_CLIENT_SECRET: provider.clientSecret },
    }),
  )
  const ca = await readFile(join(sallyport.stateDir, 'ca', 'local-ca.pem'), 'utf8')
  const agent = (): UserAgent => new UserAgent({ ca })
  const stop = undo.move()
  return {
    url,
    agent,
    async signedIn(login, target) {
      const user = agent()
      const form = await user.visit(target)
      return { agent: user, page: await user.submit(form, { login }) }
    },
    async edit(change) {
      text = change(text)
      await sallyport.write(text)
    },
    [Symbol.asyncDispose]: () => stop.disposeAsync(),
  }
}
