/**
 * Options of the commands that users have, by the names that they have at clients of Pomerium.
 *
 * @module
 */
import type { OptionSpecs } from '../command.ts'

export const BROWSER = {
  'browser-cmd': {
    type: 'string',
    value: 'PROGRAM',
    about: 'opens the sign-in page, in place of the usual browser; gets its address as the only argument',
  },
  'no-browser': { type: 'boolean', about: 'print the address of the sign-in page, and open nothing' },
} as const satisfies OptionSpecs

export const SERVICE_ACCOUNT = {
  'service-account': {
    type: 'string',
    value: 'TOKEN',
    about: 'of a service account, in place of a sign-in; others can see it in the list of processes',
  },
  'service-account-file': {
    type: 'string',
    value: 'FILE',
    isPath: true,
    about: 'the same, from a file',
  },
} as const satisfies OptionSpecs

export const TLS = {
  'alternate-ca-path': {
    type: 'string',
    value: 'FILE',
    isPath: true,
    about: 'PEM certificates that are trusted, beside those of the system',
  },
  'ca-cert': { type: 'string', value: 'BASE64', about: 'the same, as base64 of PEM' },
  'client-cert': {
    type: 'string',
    value: 'FILE',
    isPath: true,
    about: 'PEM certificate of this computer, with its chain',
  },
  'client-key': { type: 'string', value: 'FILE', isPath: true, about: 'its key, as PEM' },
  'disable-tls-verification': {
    type: 'boolean',
    about: 'take any certificate: whoever is on the way can then read and change everything',
  },
} as const satisfies OptionSpecs

/** Of each command that asks a server. */
export const ASKING = { ...BROWSER, ...SERVICE_ACCOUNT, ...TLS } as const satisfies OptionSpecs

export const EXITS =
  '1: it failed; 3: nobody signed in, or the token is not taken; 4: no answer, or not a server that is trusted'
