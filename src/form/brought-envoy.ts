/**
 * The Envoy that came with this program: a package of ours beside it. In the single file it is inside.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export type BroughtEnvoy =
  | { readonly kind: 'file'; readonly path: string }
  /** Compressed with zstd. */
  | { readonly kind: 'packed'; readonly bytes: () => Uint8Array }

/** @param platform such as `linux-x64` */
export function broughtEnvoy(platform: string): BroughtEnvoy | undefined {
  const { resolve } = createRequire(import.meta.url)
  try {
    const manifest = resolve(`@sallyport/envoy-${platform}/package.json`)
    return { kind: 'file', path: join(dirname(manifest), 'bin', 'envoy') }
  } catch {
    // None is installed, which is usual.
    return undefined
  }
}
