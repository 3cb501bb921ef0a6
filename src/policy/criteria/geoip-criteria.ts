/**
 * Criteria about where the address of the client is, by a database of addresses.
 *
 * Such a database is a good guess and no proof. An address that it does not have, as those of private
 * networks, is known to be nowhere: in no country, and nobody can say that it is not in one.
 *
 * @module
 */
import type { Place, RequestFacts, Truth } from '../decision.ts'
import { addressOf } from '../matching/ip-ranges.ts'
import { comparedTexts, type OfNothing, type TextMatcher, textMatcher } from '../matching/matchers.ts'
import { allOf } from '../missing-facts.ts'
import { type Criterion, outcomes, unknown } from '../outcome.ts'
import { isMapping, type Path, type Report } from '../problem.ts'
import { choiceOf, suggestion } from '../suggestion.ts'
import type { CompileData, Kinds } from './kind.ts'

const GEOIP = outcomes('geoip-ok', 'geoip-unauthorized', 'geoip-unknown')
const NOWHERE = unknown('geoip-absent')

export const GEOIP_CRITERIA: Kinds = {
  geoip: {
    holds:
      'the place of the client’s address meets all the conditions. An address that the database does not have is [known to be nowhere](policy.md#missing-facts)',
    data: '`country`, `continent`, `subdivision`, `city`, `asn`: text matchers, or lists for `in`. Codes are those of ISO 3166 and the continents AF, AN, AS, EU, NA, OC, SA',
    example: { country: ['DE', 'AT', 'CH'], asn: { not: 64500 } },
    reasons: ['geoip-ok', 'geoip-unauthorized', 'geoip-unknown', 'geoip-absent'],
    reads: ['geo', 'source_ip'],
    needs: 'geoip',
    compile: geoip,
  },
}

type Check = (text: string) => string | undefined

/** What the texts of each key must look like: what is wrong with one that could never match. */
const KEYS: Readonly<Record<keyof Place, Check>> = {
  country: countryProblem,
  continent: (text) =>
    /^(?:AF|AN|AS|EU|NA|OC|SA)$/.test(text)
      ? undefined
      : 'is not a continent; write AF, AN, AS, EU, NA, OC or SA',
  subdivision: (text) =>
    /^[A-Z0-9]{1,3}$/.test(text)
      ? undefined
      : 'must be the second part of an ISO 3166-2 code, such as BY of DE-BY',
  city: () => undefined,
  asn: (text) =>
    /^\d{1,10}$/.test(text) ? undefined : 'must be the number of an autonomous system, such as 64500',
}

/** Matchers that compare with the whole of a code. */
const WHOLE = ['', 'is', 'not', 'in', 'not_in']

const regions = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
/** Common, and not the codes that databases use. */
const MISNAMED: Readonly<Record<string, string>> = { UK: 'GB', EL: 'GR' }

function countryProblem(text: string): string | undefined {
  const upper = text.toUpperCase()
  const meant = Object.hasOwn(MISNAMED, upper) ? MISNAMED[upper] : undefined
  if (meant !== undefined) return `is not the ISO 3166-1 code; write ${meant}`
  if (!/^[A-Z]{2}$/.test(upper) || regions.of(upper) === undefined)
    return 'is not a country; write its two letters of ISO 3166-1, such as DE'
  return text === upper ? undefined : `must be in upper case: ${upper}`
}

interface Condition {
  readonly key: keyof Place
  readonly matches: TextMatcher & OfNothing
}

function geoip(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  if (!isMapping(data) || Object.keys(data).length === 0) {
    report(at, `must be a mapping with ${choiceOf(Object.keys(KEYS))}`)
    return undefined
  }
  const conditions = Object.entries(data).map(([key, value]) => conditionOf(key, value, [...at, key], report))
  const known = conditions.filter((condition) => condition !== undefined)
  if (known.length < conditions.length) return undefined
  return (_, request) => {
    const place = placeOf(request)
    if (place === 'unknown') return GEOIP.unknown
    const truth = allOf(known.map(({ key, matches }) => isAt(place?.[key], matches)))
    return truth === 'unknown' ? NOWHERE : GEOIP[truth]
  }
}

function isAt(value: string | number | undefined, matches: TextMatcher & OfNothing): Truth {
  if (value === undefined) return matches.of.none
  return matches(String(value)) ? 'hit' : 'miss'
}

function conditionOf(key: string, data: unknown, at: Path, report: Report): Condition | undefined {
  if (!isKey(key)) {
    report(at, `unknown key "${key}"${suggestion(key, Object.keys(KEYS))}`)
    return undefined
  }
  const written = Array.isArray(data) ? { in: data } : data
  let isGood = true
  for (const [matcher, value] of isMapping(written) ? Object.entries(written) : [['', written] as const]) {
    if (!WHOLE.includes(matcher)) continue
    for (const text of comparedTexts(value)) {
      const wrong = KEYS[key](text)
      if (wrong === undefined) continue
      isGood = false
      report(isMapping(data) ? [...at, matcher] : at, `"${text}" ${wrong}`)
    }
  }
  const matches = textMatcher(written, at, report)
  return matches === undefined || !isGood ? undefined : { key, matches }
}

function isKey(key: string): key is keyof Place {
  return Object.hasOwn(KEYS, key)
}

let last: { readonly request: RequestFacts | undefined; readonly place: Place | undefined | 'unknown' } = {
  request: undefined,
  place: 'unknown',
}

/** The last answer is kept: looking it up costs more than any criterion, and rules come in rows. */
function placeOf(request: RequestFacts): Place | undefined | 'unknown' {
  if (last.request === request) return last.place
  const { data, sourceIp } = request
  const isKnown = data !== undefined && addressOf(sourceIp) !== undefined
  last = { request, place: isKnown ? data.place(sourceIp) : 'unknown' }
  return last.place
}
