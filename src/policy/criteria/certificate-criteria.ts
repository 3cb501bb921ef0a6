/**
 * Criteria about the certificate that a client has shown in the TLS handshake.
 *
 * A certificate that is not valid proves one thing: who sent it holds its key. So what a pin says of it is
 * true, and what it says of itself is worth nothing. Either way it never satisfies a criterion; a condition
 * that it may meet is unknown, so that it does not slip out of a deny rule.
 *
 * @module
 */

import { domainForms, mailForms } from '../../mail-address.ts'
import type { ClientCertificateFacts, RequestFacts, Subject, Truth } from '../decision.ts'
import { type Form, textMatcher } from '../matching/matchers.ts'
import { allOf } from '../missing-facts.ts'
import { type Criterion, hit, miss, type Outcome, outcomes } from '../outcome.ts'
import { isMapping, type Path, type Report } from '../problem.ts'
import { choiceOf, suggestion } from '../suggestion.ts'
import { type CompileData, type Kinds, NO_DATA, withoutData } from './kind.ts'

const CERTIFICATE = outcomes(
  'client-certificate-ok',
  'client-certificate-unauthorized',
  'client-certificate-unknown',
)
const REQUIRED = hit('client-certificate-required')
const INVALID = hit('invalid-client-certificate')
const VALID = miss('valid-client-certificate')

export const CERTIFICATE_CRITERIA: Kinds = {
  client_certificate: {
    holds:
      'the client has shown a valid certificate that meets all the conditions; an invalid one that may meet them makes it unknown',
    data: '`fingerprint` and `spki_hash`: one or a list; `san_dns`, `san_email`, `san_uri`: text matchers of which any name has to fit',
    example: { san_dns: { ends_with: '.corp.example.com' } },
    reasons: ['client-certificate-ok', 'client-certificate-unauthorized', 'client-certificate-unknown'],
    reads: ['client_certificate'],
    needs: 'downstream_mtls',
    compile: clientCertificate,
  },
  invalid_client_certificate: {
    holds:
      'the client has shown no certificate, or one that is not valid: not of a trusted authority, expired or revoked',
    ...NO_DATA,
    reasons: [
      'client-certificate-required',
      'invalid-client-certificate',
      'valid-client-certificate',
      'client-certificate-unknown',
    ],
    reads: ['client_certificate'],
    needs: 'downstream_mtls',
    compile: withoutData(invalidClientCertificate),
  },
}

function invalidClientCertificate(_: Subject, { clientCertificate: shown }: RequestFacts): Outcome {
  if (shown === undefined) return CERTIFICATE.unknown
  if (!shown.presented) return REQUIRED
  return shown.validity === 'valid' ? VALID : INVALID
}

type Presented = Extract<ClientCertificateFacts, { readonly presented: true }>
type Condition = (shown: Presented) => boolean

/** On the names of one kind; a certificate that has none of them is as one that is not there. */
interface NameCondition {
  readonly judge: (shown: Presented) => Truth
  readonly ofNone: Truth
}

/** Conditions on what is true of any certificate, and on what only a valid one is believed. */
interface Conditions {
  readonly pins: readonly Condition[]
  readonly names: readonly NameCondition[]
}

function clientCertificate(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const conditions = conditionsOf(data, at, report)
  if (conditions === undefined) return undefined
  const { pins, names } = conditions
  const ofNone = allOf(names.map((name) => name.ofNone))
  return (_, { clientCertificate: shown }) => {
    if (shown === undefined) return CERTIFICATE.unknown
    if (!shown.presented) return CERTIFICATE[pins.length > 0 ? 'miss' : ofNone]
    if (!pins.every((holds) => holds(shown))) return CERTIFICATE.miss
    if (shown.validity !== 'valid') return CERTIFICATE.unknown
    return CERTIFICATE[allOf(names.map(({ judge }) => judge(shown)))]
  }
}

const SANS = { san_dns: 'sanDns', san_email: 'sanEmail', san_uri: 'sanUri' } as const
const KEYS = ['fingerprint', 'spki_hash', ...Object.keys(SANS)]

function conditionsOf(data: unknown, at: Path, report: Report): Conditions | undefined {
  if (!isMapping(data) || Object.keys(data).length === 0) {
    report(at, `must be a mapping with ${choiceOf(KEYS)}`)
    return undefined
  }
  const pins: (Condition | undefined)[] = []
  const names: (NameCondition | undefined)[] = []
  for (const [key, value] of Object.entries(data)) {
    const where = [...at, key]
    if (key === 'fingerprint') pins.push(fingerprintIn(listOf(value, where, report, fingerprintOf)))
    else if (key === 'spki_hash') pins.push(spkiHashIn(listOf(value, where, report, spkiHashOf)))
    else if (isSan(key)) names.push(anyName(key, value, where, report))
    else {
      report(where, `unknown condition "${key}"${suggestion(key, KEYS)}`)
      pins.push(undefined)
    }
  }
  const known = { pins: pins.filter(isDefined), names: names.filter(isDefined) }
  return known.pins.length + known.names.length < pins.length + names.length ? undefined : known
}

function isSan(key: string): key is keyof typeof SANS {
  return Object.hasOwn(SANS, key)
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined
}

const fingerprintIn = (wanted: ReadonlySet<string> | undefined): Condition | undefined =>
  wanted && (({ fingerprint }) => wanted.has(fingerprint))

const spkiHashIn = (wanted: ReadonlySet<string> | undefined): Condition | undefined =>
  wanted && (({ spkiHash }) => wanted.has(spkiHash))

/** Names of domains and addresses have no case. */
const FORMS: Readonly<Record<keyof typeof SANS, Form>> = {
  san_dns: domainForms.plain,
  san_email: mailForms.plain,
  san_uri: (text) => text,
}

function anyName(key: keyof typeof SANS, data: unknown, at: Path, report: Report): NameCondition | undefined {
  const form = FORMS[key]
  const matches = textMatcher(data, at, report, form)
  const judge = (shown: Presented): Truth => {
    const names = shown[SANS[key]]
    if (names.length === 0) return matches?.of.none ?? 'unknown'
    return names.some((name) => matches?.(form(name))) ? 'hit' : 'miss'
  }
  return matches && { judge, ofNone: matches.of.none }
}

/** One value or a list of them, in the form that they are compared in. */
function listOf(
  data: unknown,
  at: Path,
  report: Report,
  read: (text: string) => string | { readonly wrong: string },
): ReadonlySet<string> | undefined {
  const values: readonly unknown[] = Array.isArray(data) ? data : [data]
  if (values.length === 0) report(at, 'is an empty list, which no certificate is in')
  const texts = values.map((value, index) => {
    const text = typeof value === 'string' ? read(value) : { wrong: 'must be a text in quotes' }
    if (typeof text === 'string') return text
    report(Array.isArray(data) ? [...at, index] : at, text.wrong)
    return undefined
  })
  const known = texts.filter(isDefined)
  return known.length < texts.length || known.length === 0 ? undefined : new Set(known)
}

/** Both usual forms: 64 hex digits, and pairs with colons between as OpenSSL prints them. */
function fingerprintOf(text: string): string | { readonly wrong: string } {
  const isPaired = /^[0-9a-f]{2}(?::[0-9a-f]{2}){31}$/i.test(text)
  if (!isPaired && !/^[0-9a-f]{64}$/i.test(text))
    return { wrong: 'must be a SHA-256 fingerprint: 64 hex digits, or 32 pairs of them with colons between' }
  return text.replaceAll(':', '').toLowerCase()
}

function spkiHashOf(text: string): string | { readonly wrong: string } {
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return text
  return { wrong: 'must be the SHA-256 of a public key in base64: 44 characters, the last one "="' }
}
