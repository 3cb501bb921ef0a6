/** Any OpenID provider. */
import { type Preset, STANDARD_SCOPES } from './preset.ts'

export const oidc: Preset = { label: 'Single sign-on', scopes: STANDARD_SCOPES }
