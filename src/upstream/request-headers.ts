/**
 * The headers of `set_request_headers`.
 *
 * @module
 */
import type { Access } from '../access/access.ts'
import { HEADERS_OF_KEYS } from '../config/keys/upstream/upstream-headers.ts'
import { type ContributorKind, type Telling, validCertificate } from './contributor.ts'
import { headerText } from './header.ts'
import { type TemplateValues, templatesOf } from './request-header-template.ts'
import { goodToken } from './session-tokens.ts'

export const requestHeaders: ContributorKind<Access, unknown, never> = {
  headersOf: ({ route }) => HEADERS_OF_KEYS.set_request_headers(route),
  compile({ route }) {
    const templates = templatesOf(route)
    if (templates.length === 0) return undefined
    return {
      references: templates.flatMap(([, template]) => template.requestHeaders),
      write(telling, access) {
        const values = valuesIn(telling, access)
        for (const [header, template] of templates) {
          const { idpTokens } = template
          // A text around a token that is not there would pass for one.
          if (!idpTokens.every((name) => goodToken(access.sessions[0], name, access.now) !== undefined))
            continue
          const value = headerText(template.render(values))
          if (idpTokens.length > 0) telling.setToken(header, value)
          else telling.set(header, value)
        }
      },
    }
  },
}

function valuesIn(telling: Telling, access: Access): TemplateValues {
  const { sessions, now } = access
  return {
    accessToken: () => goodToken(sessions[0], 'access_token', now) ?? '',
    idToken: () => goodToken(sessions[0], 'id_token', now) ?? '',
    assertionJwt: () => telling.assertionJwt,
    certificate: () => validCertificate(access),
    requestHeader: telling.requestHeader,
  }
}
