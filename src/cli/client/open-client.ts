/**
 * What a command asks a server with, by its options and this process.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { CredentialStore, credentialFolder } from '../../client/credentials/credential-store.ts'
import { isToken } from '../../client/credentials/token.ts'
import { createHttpClient } from '../../client/http/http-client.ts'
import { readTrust } from '../../client/http/trust.ts'
import { openerFor } from '../../client/login/browser.ts'
import { signIn } from '../../client/login/login.ts'
import { readServerUrl } from '../../client/server-url.ts'
import type { Client } from '../../client/signed-in.ts'
import { Fault, reasonOf } from '../../errors.ts'
import type { ValuesOf } from '../command.ts'
import type { ASKING } from './options.ts'

export type AskingValues = ValuesOf<typeof ASKING>

export const openStore = (): CredentialStore => new CredentialStore(credentialFolder(process.env))

export const say = (text: string): void => void process.stderr.write(text)

/**
 * @param address as it was typed
 * @param how whether a sign-in is what was asked for
 */
export function openClient(
  values: AskingValues,
  address: string | undefined,
  { isSignIn = false }: { readonly isSignIn?: boolean } = {},
): Client {
  const server = readServerUrl(address)
  const trust = readTrust(
    {
      isUnverified: values['disable-tls-verification'],
      caFile: values['alternate-ca-path'],
      caBase64: values['ca-cert'],
      certificateFile: values['client-cert'],
      keyFile: values['client-key'],
    },
    process.env,
  )
  const http = createHttpClient({ server, trust, env: process.env })
  const opener = openerFor(
    { command: values['browser-cmd'], isWanted: values['no-browser'] !== true },
    process.env,
  )
  const { stdin, stderr } = process
  const terminal = stdin.isTTY && stderr.isTTY ? { input: stdin, output: stderr } : undefined
  return {
    http,
    store: openStore(),
    machineToken: machineToken(values),
    signIn: async () => await signIn({ http, opener, terminal, say }),
    isAttended: isSignIn || terminal !== undefined,
    say,
    now: Date.now,
  }
}

function machineToken(values: AskingValues): string | undefined {
  const file = values['service-account-file']
  const given = values['service-account']
  if (given !== undefined && file !== undefined)
    throw new Fault('USAGE', '--service-account and --service-account-file say the same; give one of them')
  const token = file === undefined ? given : readToken(file)
  if (token === undefined) return undefined
  // People copy it with what stands before it in a header.
  const bare = token.trim().replace(/^(?:Bearer )?Pomerium[- ]/, '')
  const source = file === undefined ? '--service-account' : `--service-account-file ${file}`
  if (!isToken(bare)) throw new Fault('USAGE', `${source} is not the token of a service account`)
  return bare
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Fault('USAGE', `--service-account-file ${file} can not be read: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}
