/**
 * For tests: a verifier as a configuration makes it, and what it says.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type { Holder } from '../../../config/client-authority.fixture.ts'
import { parseConfig } from '../../../config/parse.ts'
import { verifierFor } from './trust.ts'
import type { PresentedCertificate } from './verifier.ts'

interface Mtls {
  readonly ca?: string
  readonly crl?: string
  readonly max_verify_depth?: number
  readonly match_subject_alt_names?: readonly object[]
}

/** A verifier as a configuration makes it. */
export function verifierOf(mtls: Mtls) {
  const parsed = parseConfig(
    JSON.stringify({
      downstream_mtls: mtls,
      routes: [
        {
          from: 'https://app.example.com',
          to: 'http://127.0.0.1:1',
          allow_public_unauthenticated_access: true,
        },
      ],
    }),
  )
  assert.ok('config' in parsed, JSON.stringify('problems' in parsed && parsed.problems))
  const { config } = parsed
  const verifier = config.routes[0] && verifierFor(config.routes[0], config.settings)
  assert.ok(verifier !== undefined)
  return verifier
}

/** As Envoy forwards it. */
export const chainOf = (...holders: readonly Pick<Holder, 'cert'>[]): string =>
  encodeURIComponent(holders.map(({ cert }) => cert).join(''))

export function judge(
  mtls: Mtls,
  holders: readonly Pick<Holder, 'cert'>[],
  now = Date.now(),
): PresentedCertificate {
  return verifierOf(mtls).verify(chainOf(...holders), now)
}

export const reasonOf = (...args: Parameters<typeof judge>) => {
  const { validity, reason } = judge(...args)
  assert.equal(validity === 'valid', reason === undefined)
  return reason ?? 'valid'
}
