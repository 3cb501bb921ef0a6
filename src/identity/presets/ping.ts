/** PingOne and PingFederate. */
import { type Preset, STANDARD_SCOPES } from './preset.ts'

export const ping: Preset = { label: 'Ping Identity', scopes: STANDARD_SCOPES }
