/**
 * Options that several commands take.
 *
 * @module
 */
import type { OptionSpec } from './command.ts'

export const CONFIG = {
  type: 'string',
  short: 'c',
  value: 'FILE',
  isPath: true,
  about: 'configuration file (default ./config.yaml)',
} as const satisfies OptionSpec

export const STATE_DIR = {
  type: 'string',
  value: 'DIR',
  isPath: true,
  about: 'sessions, certificates, secrets, sockets (default .sallyport beside the configuration file)',
} as const satisfies OptionSpec

export const ENVOY = {
  type: 'string',
  value: 'MODE',
  choices: ['managed', 'external'],
  variable: 'SALLYPORT_ENVOY',
  about: 'managed: start Envoy as a child (default); external: it is started elsewhere. Or SALLYPORT_ENVOY',
} as const satisfies OptionSpec

export const WITHOUT_SECRETS = {
  type: 'boolean',
  about: 'pass over variables and files that can not be read here, as in a pipeline without the real secrets',
} as const satisfies OptionSpec

export const JSON_OUTPUT = { type: 'boolean', about: 'for programs' } as const satisfies OptionSpec
