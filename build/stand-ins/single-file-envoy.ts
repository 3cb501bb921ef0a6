/**
 * In place of `src/form/brought-envoy.ts` in the single file, which has an Envoy inside or none.
 *
 * @module
 */
import { getRawAsset } from 'node:sea'
import type * as source from '../../src/form/brought-envoy.ts'

/** The build puts it there. */
declare const SALLYPORT_HAS_ENVOY: boolean

export const broughtEnvoy: typeof source.broughtEnvoy = () =>
  SALLYPORT_HAS_ENVOY ? { kind: 'packed', bytes: () => new Uint8Array(getRawAsset('envoy.zst')) } : undefined
