/**
 * What the tests of this folder are run against: `run.ts` has built it.
 *
 * @module
 */
import { join } from 'node:path'
import { ENVOY_VERSION } from '../../envoy/release.ts'
import { version } from '../../src/form/installation.ts'

export const BUILT = join(import.meta.dirname, '..', '..', '.cache', 'forms')
export const PLATFORM = `linux-${process.arch}`

const file = (name: string): string => join(BUILT, name)

export function builtFiles() {
  return {
    bundle: file('npm/sallyport/bin/sallyport.mjs'),
    tarball: file(`sallyport-${version()}.tgz`),
    clientTarball: file(`sallyport-client-${version()}.tgz`),
    envoyTarball: file(`sallyport-envoy-${PLATFORM}-${ENVOY_VERSION}.tgz`),
    singleFile: file(`sallyport-${version()}-${PLATFORM}-with-envoy`),
    arm64: file(`sallyport-${version()}-linux-arm64`),
  }
}
