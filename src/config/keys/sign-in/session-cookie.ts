/**
 * Global keys of the session cookie, and of how long a session lasts.
 *
 * @module
 */

import { z } from 'zod'
import { PositiveDuration } from '../../values/duration.ts'
import { HEADER_NAME } from '../../values/header.ts'
import { isHostName } from '../../values/host-name.ts'

const CookieName = z
  .string()
  .regex(HEADER_NAME, "must be a token: letters, digits and !#$%&'*+-.^_`|~ only")
  .max(64, 'may have at most 64 characters')
  .refine(
    (text) => !/^__(?:host|secure)-/i.test(text) || /^__(?:Host|Secure)-/.test(text),
    'begins with a prefix that browsers know in one case only: write "__Host-" or "__Secure-"',
  )
  .refine(
    (text) => !/^(?:__Host-)?sallyport_/i.test(text),
    'begins like the cookies that Sallyport sets on its own account; choose another name',
  )

const CookieDomain = z
  .string()
  .transform((text) => text.toLowerCase().replace(/^\./, ''))
  .refine(
    (text) => isHostName(text) && text.includes('.'),
    'must be a domain of at least two labels, such as "example.com"',
  )

export const sessionCookie = {
  cookie_name: CookieName.default('_pomerium').meta({
    description:
      'Name of the session cookie (RFC 6265 section 4.1). Browsers see it with `__Host-` before it, unless `cookie_domain` is set. A new name signs everybody out.',
  }),
  cookie_domain: CookieDomain.optional().meta({
    description:
      'Domain attribute of the session cookie of apps; unset: each host has its own, which no other host can plant. Every host of the domain, whoever runs it, gets the cookie and can set it. The authenticate host keeps a cookie of its own.',
    examples: ['example.com'],
  }),
  cookie_http_only: z.boolean().default(true).meta({
    description:
      'HttpOnly attribute: scripts cannot read the cookie. That of the host of the sign-in pages always has it.',
  }),
  cookie_expire: PositiveDuration.prefault('14h').meta({
    description: 'Life of a session and of its cookie.',
  }),
  cookie_same_site: z.enum(['strict', 'lax', 'none']).default('lax').meta({
    description:
      'SameSite attribute of the session cookie. `none`: other sites may embed apps and call them with their visitors’ sessions.',
  }),
}
