/**
 * In place of `src/form/brought-envoy.ts` in the single file: Envoy is inside, or where a Debian package has
 * put it.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { getRawAsset } from 'node:sea'
import type * as source from '../../src/form/brought-envoy.ts'

/** The build puts it there. */
declare const SALLYPORT_HAS_ENVOY: boolean

export const broughtEnvoy: typeof source.broughtEnvoy = () => {
  if (SALLYPORT_HAS_ENVOY) return { kind: 'packed', bytes: () => new Uint8Array(getRawAsset('envoy.zst')) }
  // From /usr/bin/sallyport to /usr/lib/sallyport/envoy.
  const path = join(process.execPath, '..', '..', 'lib', 'sallyport', 'envoy')
  return existsSync(path) ? { kind: 'file', path } : undefined
}
