/**
 * A resource that Envoy gets, and the Snapshot that holds all of one generation.
 *
 * @module
 */

import { hash } from 'node:crypto'
import type { TypedJson } from './pack.ts'

export const TYPE_URL = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
  virtualHost: 'type.googleapis.com/envoy.config.route.v3.VirtualHost',
  secret: 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
} as const

export type TypeUrl = (typeof TYPE_URL)[keyof typeof TYPE_URL]

const KNOWN: ReadonlySet<string> = new Set(Object.values(TYPE_URL))

export const isTypeUrl = (text: string): text is TypeUrl => KNOWN.has(text)

/** `cluster` for the long type URL of a cluster: what logs, metrics and golden files say. */
export const shortNameOf = (typeUrl: TypeUrl): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1)

export interface Resource {
  readonly typeUrl: TypeUrl
  readonly name: string
  /** A digest of the content, so the same content has the same version in every process and generation. */
  readonly version: string
  /** Envoy's JSON form. */
  readonly json: TypedJson
}

export interface Snapshot {
  readonly generation: number
  readonly resources: ReadonlyMap<TypeUrl, ReadonlyMap<string, Resource>>
}

export function makeResource(typeUrl: TypeUrl, name: string, fields: Omit<TypedJson, '@type'>): Resource {
  const json: TypedJson = { '@type': typeUrl, ...fields }
  return { typeUrl, name, version: hash('sha256', JSON.stringify(json), 'base64url').slice(0, 16), json }
}

/** @throws when two resources share a name: only one of them could ever reach Envoy. */
export function makeSnapshot(generation: number, all: Iterable<Resource>): Snapshot {
  const resources = new Map<TypeUrl, Map<string, Resource>>(
    Object.values(TYPE_URL).map((typeUrl) => [typeUrl, new Map<string, Resource>()]),
  )
  for (const resource of all) {
    const ofType = resources.get(resource.typeUrl)
    if (ofType === undefined || ofType.has(resource.name)) {
      throw new Error(`two resources are named ${resource.name} (${shortNameOf(resource.typeUrl)})`)
    }
    ofType.set(resource.name, resource)
  }
  return { generation, resources }
}

const NONE: ReadonlyMap<string, Resource> = new Map()

export const resourcesOf = (snapshot: Snapshot, typeUrl: TypeUrl): ReadonlyMap<string, Resource> =>
  snapshot.resources.get(typeUrl) ?? NONE
