/**
 * Global keys of what everything is signed, sealed and authenticated with.
 *
 * @module
 */

import { secretKey } from '../../values/reference.ts'

export const secrets = {
  ...secretKey('shared_secret', {
    description:
      '32 random bytes in base64, from which all keys are derived (RFC 5869). Changing it signs everyone out at the next start. Unset: made once and kept beside the config file.',
    examples: ['file:secrets/shared_secret', 'env:SHARED_SECRET'],
  }),
  ...secretKey('cookie_secret', {
    description:
      '32 random bytes in base64 that protect cookies of a sign-in in progress. Takes effect at the next start. Unset: derived from `shared_secret`.',
  }),
  ...secretKey('signing_key', {
    description:
      'Private keys (PEM, or PEM in base64; EC P-256 or RSA) of the identity assertion (RFC 7515). The first signs, all are published. Takes effect at the next start. Unset: derived from `shared_secret`.',
  }),
}
