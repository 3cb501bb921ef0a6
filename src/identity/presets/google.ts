/**
 * Google. A refresh token comes with `access_type=offline`, and again only after consent was asked for again.
 */
import { type Preset, WITHOUT_OFFLINE_ACCESS } from './preset.ts'

export const google: Preset = {
  label: 'Google',
  scopes: WITHOUT_OFFLINE_ACCESS,
  requestParams: { prompt: 'select_account consent', access_type: 'offline' },
}
