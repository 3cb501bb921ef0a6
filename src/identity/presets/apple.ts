/**
 * Sign in with Apple.
 *
 * It answers by a form post, has no userinfo, says the name only once and beside the tokens, and wants a
 * refresh token to be used once a day at most.
 */
import type { Preset } from './preset.ts'

const DAY_MS = 86_400_000

export const apple: Preset = {
  label: 'Apple',
  scopes: ['openid', 'name', 'email'],
  requestParams: { response_mode: 'form_post' },
  pkceIfAdvertised: true,
  namesOnce: true,
  refreshEveryMs: DAY_MS,
}
