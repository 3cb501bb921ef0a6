import { Fault } from '../errors.ts'

/** @throws {Fault} USAGE */
export function envoyMode(given: string | undefined): 'managed' | 'external' {
  const value = given ?? process.env['SALLYPORT_ENVOY'] ?? 'managed'
  if (value === 'managed' || value === 'external') return value
  throw new Fault('USAGE', `--envoy is "managed" or "external", not "${value}"`)
}
