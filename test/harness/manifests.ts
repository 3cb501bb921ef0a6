/**
 * The manifests of `deploy/`, read: as they lie there, or as Helm and Kustomize put them together.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

export const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy')
export const CHART = join(DEPLOY, 'helm', 'sallyport')
export const MANIFESTS = join(DEPLOY, 'kubernetes', 'sallyport.yaml')

export const read = (path: string): string => readFileSync(path, 'utf8')

export interface Container {
  name: string
  args: string[]
  volumeMounts: { name: string; mountPath: string; subPath?: string }[]
  securityContext: Record<string, unknown>
  [key: string]: unknown
}
interface PodSpec {
  automountServiceAccountToken: boolean
  securityContext: Record<string, unknown>
  containers: Container[]
  initContainers: Container[]
  volumes: { name: string; emptyDir?: { medium?: string } }[]
}

export interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly replicas?: number
    readonly ports?: readonly { readonly name: string; readonly protocol: string }[]
    readonly strategy?: { readonly type: string }
    readonly template?: { readonly spec: PodSpec }
    readonly ingress?: readonly {
      readonly from?: unknown
      readonly ports: readonly { readonly port: string }[]
    }[]
  }
}
export const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document): Manifest[] => {
    const value: Manifest | null = document.toJS()
    return value === null ? [] : [value]
  })
export const named = (
  manifests: readonly Manifest[],
  kind: string,
  name = 'sallyport',
): Manifest | undefined => manifests.find((each) => each.kind === kind && each.metadata.name === name)

/** The pod that the Deployment would start, by itself. */
export function podOf(manifests: readonly Manifest[]) {
  const template = named(manifests, 'Deployment')?.spec?.template
  assert.ok(template)
  const metadata = { name: 'as-a-pod', namespace: 'sallyport' }
  return structuredClone({ apiVersion: 'v1', kind: 'Pod', ...template, metadata })
}
