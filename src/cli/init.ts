/**
 * `sallyport init`: writes a folder that is ready for one's own domain but for what only its owner knows.
 *
 * @module
 */

import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { bootstrapYaml, SHIPPED_RUN_DIRECTORY } from '../../envoy/bootstrap.ts'
import { Fault, reasonOf, systemCodeOf } from '../errors.ts'
import { checkout, commandName, version } from '../form/installation.ts'
import { type ContainerUser, composeYaml, environmentFile } from './init/compose-yaml.ts'
import { configYaml, PLACEHOLDER } from './init/config-yaml.ts'

/** RFC 1123 names of at least two labels, lower case. */
const DOMAIN = /^(?=.{3,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Runs the containers when root makes the folder: no container needs to be root. */
const UNPRIVILEGED: ContainerUser = { uid: 65532, gid: 65532 }
const OWNER_ONLY = 0o600

export interface InitOptions {
  readonly directory: string
  readonly domain: string | undefined
  /** Who runs this; default the process's user. */
  readonly user?: ContainerUser | undefined
}

interface File {
  readonly path: string
  readonly text: string
  readonly secret?: true
}

/**
 * @returns the exit code
 * @throws {Fault} `USAGE` for no or a wrong domain, when a file is already there (nothing is written then),
 * and for a folder that can't be written
 */
export async function init(options: InitOptions, out: { write(text: string): unknown }): Promise<number> {
  try {
    return writeSetUp(options, out)
  } catch (error) {
    if (error instanceof Fault || systemCodeOf(error) === undefined) throw error
    throw new Fault('USAGE', `the set-up can't be written: ${reasonOf(error)}`, { cause: error })
  }
}

function writeSetUp(options: InitOptions, out: { write(text: string): unknown }): number {
  const domain = options.domain?.toLowerCase().replace(/\.$/, '')
  if (domain === undefined)
    throw new Fault('USAGE', 'init needs your domain: sallyport init DIR --domain example.com')
  if (!DOMAIN.test(domain)) throw new Fault('USAGE', `"${domain}" is not a domain name such as example.com`)

  const directory = resolve(options.directory)
  const me = options.user ?? {
    uid: process.getuid?.() ?? UNPRIVILEGED.uid,
    gid: process.getgid?.() ?? UNPRIVILEGED.gid,
  }
  const owner = me.uid === 0 ? UNPRIVILEGED : me
  const files = filesFor(domain, owner)
  const present = files.filter(({ path }) => exists(join(directory, path)))
  if (present.length > 0) {
    const names = present.map(({ path }) => path).join(', ')
    throw new Fault(
      'USAGE',
      `${directory} already has ${names}; nothing was written. Name another folder, or move them away`,
    )
  }
  // Open to look into, unlike what lies in it: the containers may run as another user than its owner.
  makeFolder(directory)
  for (const folder of ['secrets', 'certs', 'state'])
    mkdirSync(join(directory, folder), { recursive: true, mode: 0o700 })
  // `wx`: what appeared since we looked is not overwritten either.
  for (const { path, text, secret } of files)
    writeFileSync(join(directory, path), text, { flag: 'wx', mode: secret ? OWNER_ONLY : 0o644 })
  if (me.uid === 0) giveAway(directory, files, owner)
  out.write(nextSteps(domain, directory))
  return 0
}

function filesFor(domain: string, user: ContainerUser): readonly File[] {
  return [
    { path: 'config.yaml', text: configYaml(domain) },
    { path: 'docker-compose.yml', text: composeYaml(domain) },
    { path: 'bootstrap.yaml', text: bootstrapYaml({ runDirectory: SHIPPED_RUN_DIRECTORY, nodeId: domain }) },
    { path: '.env', text: environmentFile({ user, source: checkout(), version: version() }) },
    {
      path: '.gitignore',
      text: '# None of these belongs into a repository.\nsecrets/\ncerts/\nstate/\n.sallyport/\n',
    },
    { path: 'secrets/shared_secret', text: newSecret(), secret: true },
    { path: 'secrets/cookie_secret', text: newSecret(), secret: true },
    { path: 'secrets/idp_client_secret', text: `${PLACEHOLDER}\n`, secret: true },
  ]
}

const newSecret = (): string => `${randomBytes(32).toString('base64')}\n`

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** What root made is handed to the user of the containers, who could not read it else. */
function giveAway(directory: string, files: readonly File[], { uid, gid }: ContainerUser): void {
  for (const { path, secret } of files) if (secret) chownSync(join(directory, path), uid, gid)
  for (const folder of new Set([
    'certs',
    'state',
    ...files.filter(({ secret }) => secret).map(({ path }) => dirname(path)),
  ])) {
    chownSync(join(directory, folder), uid, gid)
    chmodSync(join(directory, folder), 0o700)
  }
}

function nextSteps(domain: string, directory: string): string {
  const below = relative(process.cwd(), directory) || '.'
  const where = below.startsWith('..') ? directory : below
  const needed =
    checkout() === undefined ? 'name a checkout of Sallyport in .env, then\n                ' : ''
  return `Wrote a set-up for ${domain} to ${directory}

Next
  1. Register a client (web application) at your OpenID provider, with this redirect URI:
       https://authenticate.${domain}/oauth2/callback
     Then fill in idp_provider_url and idp_client_id in config.yaml,
     and put the client's secret into secrets/idp_client_secret.
  2. Point authenticate.${domain}, app.${domain} and further names (or *.${domain}) at this machine.
  3. Put a certificate for them into certs/ and name it under "certificates" in config.yaml.
  4. Check it:  ${commandName()} validate -c ${join(where, 'config.yaml')}
  5. Run it:    ${needed}cd ${where} && docker compose up --detach --build
     or, without Docker, with a route to an address that this machine knows:
                ${commandName()} serve -c ${join(where, 'config.yaml')}
`
}

/**
 * One after the other: Node's own way never ends where the system says that there is no such place, as below
 * /proc. @throws {Fault} USAGE
 */
function makeFolder(directory: string): void {
  if (exists(directory)) return
  try {
    const parent = dirname(directory)
    if (parent !== directory) makeFolder(parent)
    mkdirSync(directory, { mode: 0o755 })
  } catch (error) {
    if (error instanceof Fault || systemCodeOf(error) === 'EEXIST') throw error
    throw new Fault('USAGE', `${directory}: can't be made (${reasonOf(error)}); name another folder`, {
      cause: error,
    })
  }
}
