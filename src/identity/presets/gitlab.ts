/**
 * GitLab, its own service or a server of one's own. Userinfo has all groups, the ID token the direct ones.
 */
import { type Preset, WITHOUT_OFFLINE_ACCESS } from './preset.ts'

export const gitlab: Preset = {
  label: 'GitLab',
  scopes: WITHOUT_OFFLINE_ACCESS,
  groupsClaims: ['groups', 'groups_direct'],
}
