/**
 * Responses as bytes. Each resource is packed once per content, however many Envoys and generations it goes
 * to.
 *
 * @module
 */

import protobuf from 'protobufjs'
import type { Work } from '../../turns.ts'
import type { DeltaResponse } from './delta.ts'
import { type LookupType, Packer } from './pack.ts'
import { type Resource, resourcesOf, type Snapshot, TYPE_URL, type TypeUrl } from './resource.ts'

interface Packed {
  readonly version: string
  readonly bytes: Uint8Array
}

export class ResponseEncoder {
  readonly #packer: Packer
  readonly #response: protobuf.Type
  readonly #packed = new Map<TypeUrl, Map<string, Packed>>(
    Object.values(TYPE_URL).map((typeUrl) => [typeUrl, new Map()]),
  )
  /** How often a resource was really packed; for tests and metrics. */
  packedCount = 0

  constructor(lookup: LookupType) {
    this.#packer = new Packer(lookup)
    this.#response = lookup('envoy.service.discovery.v3.DeltaDiscoveryResponse')
  }

  /** The bytes of a DeltaDiscoveryResponse. */
  encode({ typeUrl, nonce, generation, resources, removed, absent }: DeltaResponse): Uint8Array {
    const named = resources.map((resource) => ({
      name: resource.name,
      version: resource.version,
      resource: { type_url: typeUrl, value: this.#bytesOf(resource) },
    }))
    // Only an empty resource ends the wait of a request for a virtual host that was asked for on demand and
    // isn't.
    const isOnDemand = typeUrl === TYPE_URL.virtualHost
    const empty = isOnDemand ? absent.map((name) => ({ name, aliases: [name], version: 'none' })) : []
    return this.#response
      .encode({
        system_version_info: String(generation),
        type_url: typeUrl,
        nonce,
        resources: [...named, ...empty],
        removed_resources: isOnDemand ? removed : [...removed, ...absent],
      })
      .finish()
  }

  /** Packs what is new in a snapshot, so that the response with it only puts bytes together. */
  *prepare(snapshot: Snapshot): Work<void> {
    for (const resources of snapshot.resources.values())
      for (const resource of resources.values()) {
        this.#bytesOf(resource)
        yield
      }
  }

  /** Forgets what is no longer in the snapshot. */
  keepOnly(snapshot: Snapshot): void {
    for (const [typeUrl, packed] of this.#packed) {
      const resources = resourcesOf(snapshot, typeUrl)
      for (const name of packed.keys()) if (!resources.has(name)) packed.delete(name)
    }
  }

  #bytesOf(resource: Resource): Uint8Array {
    const packed = this.#packed.get(resource.typeUrl)
    const known = packed?.get(resource.name)
    if (known?.version === resource.version) return known.bytes
    const bytes = this.#packer.pack(resource.json)
    this.packedCount += 1
    packed?.set(resource.name, { version: resource.version, bytes })
    return bytes
  }
}
