/**
 * `sallyport kubernetes`: what `kubectl` asks its credential plugins.
 *
 * @module
 */
import { execCredential, readExecInfo } from '../../client/exec-credential.ts'
import { readServerUrl } from '../../client/server-url.ts'
import { access } from '../../client/signed-in.ts'
import { type AskingValues, openClient, openStore } from './open-client.ts'

/** @returns the exit code */
export async function execCredentials(address: string | undefined, values: AskingValues): Promise<number> {
  const info = readExecInfo(process.env['KUBERNETES_EXEC_INFO'])
  const found = await access(openClient(values, address ?? info.server))
  process.stdout.write(`${execCredential(info, found)}\n`)
  return 0
}

export function flushCredentials(address: string | undefined): number {
  const store = openStore()
  if (address === undefined) store.clear()
  else
    for (const isUnverified of [false, true])
      store.remove({ origin: readServerUrl(address).origin, isUnverified })
  return 0
}
