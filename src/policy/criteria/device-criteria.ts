/**
 * Criteria about the device that somebody asks from: a security key or a platform authenticator that they
 * have enrolled. Devices hang on the session, so of a stranger they are unknown.
 *
 * @module
 */
import type { Device } from '../decision.ts'
import { type Criterion, hit, miss, UNIDENTIFIED } from '../outcome.ts'
import { isMapping, type Path, type Report } from '../problem.ts'
import { choiceOf, suggestion } from '../suggestion.ts'
import type { CompileData, Kinds } from './kind.ts'

const OK = hit('device-ok')
const MISS = miss('device-unauthorized')
const NONE = miss('device-unauthenticated')

const TYPES = ['any', 'enclave_only'] as const
const KEYS = ['is', 'approved', 'type']

export const DEVICE_CRITERIA: Kinds = {
  device: {
    holds: 'somebody has enrolled a device that meets all the conditions',
    data: '`is`: a credential id; `approved`: true or false; `type`: `any` (as without it) or `enclave_only`',
    example: { type: 'enclave_only', approved: true },
    reasons: ['device-ok', 'device-unauthorized', 'device-unauthenticated', 'user-unauthenticated'],
    readsSubject: true,
    needs: 'devices',
    compile: device,
  },
}

function device(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  if (!isMapping(data) || Object.keys(data).length === 0) {
    report(at, `must be a mapping with ${choiceOf(KEYS)}`)
    return undefined
  }
  const conditions = Object.entries(data).map(([key, value]) => conditionOf(key, value, [...at, key], report))
  const known = conditions.filter((condition) => condition !== undefined)
  if (known.length < conditions.length) return undefined
  return (subject) => {
    if (subject.kind === 'anonymous') return UNIDENTIFIED
    const devices = subject.devices ?? []
    if (devices.length === 0) return NONE
    return devices.some((each) => known.every((holds) => holds(each))) ? OK : MISS
  }
}

type Condition = (device: Device) => boolean

function conditionOf(key: string, value: unknown, at: Path, report: Report): Condition | undefined {
  if (key === 'is' && typeof value === 'string' && value !== '') return ({ id }) => id === value
  if (key === 'approved' && typeof value === 'boolean') return ({ approved }) => approved === value
  const type = TYPES.find((known) => known === value)
  if (key === 'type' && type !== undefined) return (each) => type === 'any' || each.type === type
  if (key === 'is') report(at, 'must be a credential id, a text')
  else if (key === 'approved') report(at, 'must be true or false')
  else if (key === 'type') report(at, `must be ${choiceOf(TYPES)}`)
  else report(at, `unknown condition "${key}"${suggestion(key, KEYS)}`)
  return undefined
}
