/**
 * The Kubernetes cluster that Sallyport runs in, by what it puts into each pod.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createHttpClient, type HttpClient, HttpFailure } from '../../../outbound/http-client.ts'
import { getJson } from '../../../outbound/json-answer.ts'

/** Where a pod finds its service account. */
export const POD_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'
/** The token is replaced long before it ends. */
const READ_AGAIN_MS = 60_000
const ANSWER_WITHIN_MS = 5000

export interface Cluster extends AsyncDisposable {
  /** The pod's own token, whose issuer is that of all tokens of the cluster; `undefined` outside of one. */
  token(): string | undefined
  /** The keys by which the API server signs tokens. @throws {HttpFailure} */
  keys(): Promise<unknown>
}

export interface ClusterOptions {
  readonly folder?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => number
}

export function openCluster({ folder = POD_FOLDER, env, now }: ClusterOptions): Cluster {
  let read: { readonly token: string | undefined; readonly at: number } | undefined
  let http: HttpClient | undefined

  const file = (name: string): string | undefined => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim()
    } catch {
      return undefined
    }
  }
  const token = (): string | undefined => {
    if (read === undefined || Math.abs(now() - read.at) >= READ_AGAIN_MS)
      read = { token: file('token'), at: now() }
    return read.token
  }

  return {
    token,
    async keys() {
      const host = env['KUBERNETES_SERVICE_HOST']
      const own = token()
      const ca = file('ca.crt')
      if (host === undefined || own === undefined || ca === undefined)
        throw new HttpFailure('kubernetes:///: Sallyport runs in no pod, or in one without a service account')
      http ??= createHttpClient({ trustedCa: [ca], timeoutMs: ANSWER_WITHIN_MS })
      const authority = `${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`
      return await getJson(http, `https://${authority}/openid/v1/jwks`, { authorization: `Bearer ${own}` })
    },
    async [Symbol.asyncDispose]() {
      await http?.[Symbol.asyncDispose]()
    },
  }
}
