/**
 * What `kubectl` reads of its credential plugins.
 *
 * @see https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
 * @module
 */
import type { Access } from './signed-in.ts'

const VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const

export interface ExecInfo {
  readonly apiVersion: (typeof VERSIONS)[number]
  /** The API server, where the kubeconfig says `provideClusterInfo: true`. */
  readonly server: string | undefined
}

/** @param text of `KUBERNETES_EXEC_INFO`: kubectl refuses an answer of another version than it asks for */
export function readExecInfo(text: string | undefined): ExecInfo {
  const info = objectIn(text)
  const cluster = memberOf(memberOf(info, 'spec'), 'cluster')
  const server = memberOf(cluster, 'server')
  return {
    apiVersion: VERSIONS.find((version) => version === memberOf(info, 'apiVersion')) ?? VERSIONS[0],
    server: typeof server === 'string' ? server : undefined,
  }
}

function objectIn(text = ''): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

/** In one line, as the clients of Pomerium print it. */
export function execCredential({ apiVersion }: ExecInfo, { token, expiresAt }: Access): string {
  return JSON.stringify({
    kind: 'ExecCredential',
    apiVersion,
    status: {
      expirationTimestamp: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
      token: `Pomerium-${token}`,
    },
  })
}
