/**
 * The demo's OpenID provider on its own, beside a Sallyport that runs `examples/compose/config.yaml`.
 *
 * @module
 */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { startDemoProvider } from '../../src/cli/demo/openid-provider.ts'

const Config = z.object({
  authenticate_service_url: z.url(),
  idp_provider_url: z.url(),
  idp_client_secret: z.string(),
})

const file = process.argv[2] ?? new URL('config.yaml', import.meta.url)
const config = Config.parse(parse(readFileSync(file, 'utf8')))

const port = Number(process.env['PORT'] ?? 8452)
await using running = new AsyncDisposableStack()
running.use(
  await startDemoProvider({
    issuer: config.idp_provider_url,
    authenticateUrl: config.authenticate_service_url,
    clientSecret: config.idp_client_secret,
    port,
  }),
)
process.stdout.write(`${config.idp_provider_url} listens on 127.0.0.1:${port}\n`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
