/**
 * The demo's folder: a configuration file to play with, made once on free ports and then left to its reader.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { makeFolder } from '../../make-folder.ts'

interface DemoPorts {
  readonly https: number
  readonly redirect: number
  readonly health: number
  readonly app: number
  readonly provider: number
}

const WISHED: DemoPorts = { https: 8443, redirect: 8080, health: 28080, app: 8451, provider: 8452 }

/** @returns the configuration file, new or as its reader left it. */
export async function prepareDemo(directory: string): Promise<string> {
  const file = join(directory, 'config.yaml')
  if (existsSync(file)) return file
  const secrets = join(directory, 'secrets')
  makeFolder(secrets, 0o700)
  writeFileSync(join(secrets, 'shared_secret'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  writeFileSync(join(secrets, 'idp_client_secret'), `${randomBytes(24).toString('base64url')}\n`, {
    mode: 0o600,
  })
  writeFileSync(file, demoConfig(await freePorts()))
  return file
}

/** The usual ports where they are free, else any. */
async function freePorts(): Promise<DemoPorts> {
  const chosen: Record<string, number> = {}
  for (const [name, wished] of Object.entries(WISHED)) {
    chosen[name] = (await canListen(wished)) ? wished : await anyPort()
  }
  return { ...WISHED, ...chosen }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function anyPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}

function demoConfig(ports: DemoPorts): string {
  return `# Sallyport's demo. Edit a line and save: it applies at once, nothing is restarted.
# Every key: docs/configuration.md. Check a file without running it: sallyport validate -c FILE

address: 127.0.0.1:${ports.https}
http_redirect_addr: 127.0.0.1:${ports.redirect}
health_check_addr: 127.0.0.1:${ports.health}

# Where people sign in, and the OpenID provider that knows them.
authenticate_service_url: https://authenticate.localhost:${ports.https}
idp_provider: oidc
idp_provider_url: https://idp.localhost:${ports.https}
idp_client_id: sallyport-demo
idp_client_secret_file: secrets/idp_client_secret
idp_scopes: [openid, profile, email, groups, offline_access]
idp_request_params:
  prompt: login # let the provider ask each time who you are

shared_secret_file: secrets/shared_secret
pass_identity_headers: true
jwt_claims_headers: [email, groups]

routes:
  - name: app
    description: Only for people of the group "staff"
    from: https://app.localhost:${ports.https}
    to: http://127.0.0.1:${ports.app}
    policy:
      - allow:
          or:
            - groups:
                has: staff # try it: change staff to guests, save, and reload the page

  - name: public
    description: Open to everybody
    from: https://public.localhost:${ports.https}
    to: http://127.0.0.1:${ports.app}
    allow_public_unauthenticated_access: true

  # The demo's own OpenID provider stands behind Envoy like any other app.
  - name: idp
    description: The demo's OpenID provider
    from: https://idp.localhost:${ports.https}
    to: http://127.0.0.1:${ports.provider}
    preserve_host_header: true
    allow_public_unauthenticated_access: true
`
}
