/**
 * The presets by kind.
 *
 * @module
 */
import type { ProviderKind } from '../../config/keys/sign-in/provider-kinds.ts'
import { apple } from './apple.ts'
import { auth0 } from './auth0.ts'
import { azure } from './azure.ts'
import { cognito } from './cognito.ts'
import { github } from './github.ts'
import { gitlab } from './gitlab.ts'
import { google } from './google.ts'
import { keycloak } from './keycloak.ts'
import { oidc } from './oidc.ts'
import { okta } from './okta.ts'
import { onelogin } from './onelogin.ts'
import { ping } from './ping.ts'
import type { Preset } from './preset.ts'

const PRESETS: Readonly<Record<ProviderKind, Preset>> = {
  oidc,
  apple,
  auth0,
  azure,
  cognito,
  github,
  gitlab,
  google,
  keycloak,
  okta,
  onelogin,
  ping,
}

export function presetOf(kind: ProviderKind): Preset {
  return PRESETS[kind]
}
