/** Okta. Its sign-out page wants to know whose session ends, and shows an error otherwise. */
import { type Preset, STANDARD_SCOPES } from './preset.ts'

export const okta: Preset = {
  label: 'Okta',
  scopes: STANDARD_SCOPES,
  endSession: (_, { idTokenHint }) => (idTokenHint === undefined ? undefined : 'standard'),
}
