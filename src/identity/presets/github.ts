/** GitHub and GitHub Enterprise Server: OAuth 2.0 without OpenID Connect; see github-provider.ts. */
import type { Preset } from './preset.ts'

export const github: Preset = { label: 'GitHub', scopes: ['user:email', 'read:org'] }
