/**
 * The last way to an Envoy: the binary that the Envoy project attaches to its release.
 *
 * It counts only if it is, byte for byte, the binary that is pinned: the caller verifies that, and a build
 * that differs is refused like any other file.
 *
 * @module
 */
import { Fault, reasonOf } from '../src/errors.ts'
import { ENVOY_VERSION } from './release.ts'

/** Names of the release's attachments; the project publishes none for other platforms. */
const ASSETS: Readonly<Record<string, string>> = {
  'linux-x64': `envoy-${ENVOY_VERSION}-linux-x86_64`,
  'linux-arm64': `envoy-${ENVOY_VERSION}-linux-aarch_64`,
}

const RELEASE_FILES = `https://github.com/envoyproxy/envoy/releases/download/v${ENVOY_VERSION}/`
/** Without a byte for so long the other end is taken for dead. */
const SILENCE_MS = 30_000

export interface ReleaseDownload {
  /** Such as `linux-x64`. */
  readonly platform: string
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes that have come so far. */
  readonly onProgress: (bytes: number) => void
  /** Folder of the attachments, for tests. */
  readonly from?: string | undefined
}

export type ReleaseOutcome = { readonly binary: Buffer } | { readonly complaint: string }

/**
 * The binary, still unverified, or why there is none. @throws {Fault} ENVOY_CHECKSUM_MISMATCH when it is too
 * large
 */
export async function downloadRelease(options: ReleaseDownload): Promise<ReleaseOutcome> {
  const { platform, maxBytes, onProgress, from = RELEASE_FILES } = options
  const asset = ASSETS[platform]
  if (asset === undefined) return { complaint: `no binary is attached to the release for ${platform}` }
  const silence = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, silence.signal]) : silence.signal
  const timer = setTimeout(() => silence.abort(new Error('no answer')), SILENCE_MS)
  try {
    const answer = await fetch(new URL(asset, from), { signal })
    if (!answer.ok || answer.body === null) return { complaint: `the server answered ${answer.status}` }
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of answer.body) {
      timer.refresh()
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new Fault(
          'ENVOY_CHECKSUM_MISMATCH',
          `${asset} is larger than the Envoy that is pinned; it was thrown away`,
        )
      onProgress(bytes)
    }
    return { binary: Buffer.concat(chunks) }
  } catch (error) {
    if (error instanceof Fault) throw error
    return { complaint: reasonOf(error instanceof Error && error.cause !== undefined ? error.cause : error) }
  } finally {
    clearTimeout(timer)
  }
}
