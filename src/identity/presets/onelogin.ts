/** OneLogin. Groups come with a scope of their own. */
import { type Preset, STANDARD_SCOPES } from './preset.ts'

export const onelogin: Preset = { label: 'OneLogin', scopes: [...STANDARD_SCOPES, 'groups'] }
