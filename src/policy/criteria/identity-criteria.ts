/**
 * Criteria about who asks.
 *
 * Nothing is known of somebody who is not signed in, so what is asked of their identity is unknown, not
 * "no". What a fact means that a signed-in user does not have stands in `missing-facts.ts`.
 *
 * @module
 */
import { claimReader } from '../../flat-claims.ts'
import { domainForms, type MailAddress, mailForms, readMail, type TextForms } from '../../mail-address.ts'
import type { Identified, Subject } from '../decision.ts'
import { ofAddress, ofList } from '../left-out.ts'
import { mailOf } from '../matching/mail-of.ts'
import { domainTextProblem, mailTextProblem } from '../matching/mail-texts.ts'
import { listMatcher, type OfNothing, textMatcher } from '../matching/matchers.ts'
import { agreed, type Lack } from '../missing-facts.ts'
import {
  type Criterion,
  hit,
  miss,
  NO_ADDRESS,
  type Outcome,
  type Outcomes,
  outcomes,
  STRANGER,
  UNIDENTIFIED,
  UNVERIFIED,
  unknown,
} from '../outcome.ts'
import type { Path, Report } from '../problem.ts'
import { type CompileData, type Kinds, NO_DATA, withoutData } from './kind.ts'
import { USER, user } from './user-criterion.ts'

const EMAIL = outcomes('email-ok', 'email-unauthorized', 'email-unknown')
const DOMAIN = outcomes('domain-ok', 'domain-unauthorized', 'domain-unknown')
const CLAIM = outcomes('claim-ok', 'claim-unauthorized', 'claim-unknown')
const GROUPS_OK = hit('groups-ok')
const GROUPS_MISS = miss('groups-unauthorized')
const GROUPS_UNKNOWN = unknown('groups-unknown')

const ADDRESS_REASONS = ['email-absent', 'email-unverified', 'user-unauthenticated'] as const

export const IDENTITY_CRITERIA: Kinds = {
  authenticated_user: {
    holds: 'somebody is signed in',
    ...NO_DATA,
    reasons: ['user-ok', 'user-unknown', 'user-unauthenticated'],
    readsSubject: true,
    compile: withoutData(authenticatedUser),
  },
  user: {
    holds:
      'the user id (`sub`) that the identity provider gives fits. Of several providers `<name>/<id>` says whose id it is; an id without a name belongs to the provider of the `idp_…` keys. For somebody with that id at another provider it is unknown',
    data: 'text matcher',
    example: '00u1abcd',
    reasons: ['user-ok', 'user-unauthorized', 'user-unknown', 'user-unauthenticated'],
    readsSubject: true,
    compile: user,
  },
  email: {
    holds:
      'the e-mail address fits, whatever its case. An address that is not verified or not plain is unknown, and so is one that the provider does not give',
    data: 'text matcher',
    example: { ends_with: '@example.com' },
    reasons: ['email-ok', 'email-unauthorized', 'email-unknown', ...ADDRESS_REASONS],
    readsSubject: true,
    compile: email,
    leftOut: ofAddress,
  },
  domain: {
    holds:
      'the part of the e-mail address after `@` fits, whatever its case; it is unknown where the address is',
    data: 'text matcher',
    example: { is: 'example.com' },
    reasons: ['domain-ok', 'domain-unauthorized', 'domain-unknown', ...ADDRESS_REASONS],
    readsSubject: true,
    compile: domain,
    leftOut: ofAddress,
  },
  groups: {
    holds: 'the groups fit, those of the claim `groups` and of the directories together',
    data: 'list matcher',
    example: { has: 'staff' },
    reasons: ['groups-ok', 'groups-unauthorized', 'groups-unknown', 'user-unauthenticated'],
    readsSubject: true,
    compile: groups,
    leftOut: (data) => ofList(data, 'groups'),
    comparesGroups: () => true,
  },
  claim: {
    holds:
      'that claim fits; `claim/address/city` or `claim/address.city` reach into nested claims, at most five levels deep. `claim/email` is judged as addresses are, and is unknown where `email` is',
    data: 'list matcher',
    example: { has: 'engineering' },
    reasons: ['claim-ok', 'claim-unauthorized', 'claim-unknown', ...ADDRESS_REASONS],
    readsSubject: true,
    compile: claim,
    leftOut: (data, path) => (path === 'email' ? ofAddress() : ofList(data, `claim "${path}"`)),
    subPath: 'path',
    comparesGroups: (path) => path === 'groups',
  },
}

function authenticatedUser(subject: Subject): Outcome {
  if (subject.kind === 'anonymous') return STRANGER
  return subject.userId === '' ? USER.unknown : USER.hit
}

function email(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  mailTextProblem(data, at, report)
  return ofMail({ data, at, report, forms: mailForms, part: 'address', says: EMAIL })
}

function domain(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  domainTextProblem(data, at, report)
  return ofMail({ data, at, report, forms: domainForms, part: 'domain', says: DOMAIN })
}

/** A condition on the address of somebody, or on a part of it. */
function ofMail({
  data,
  at,
  report,
  forms,
  part,
  says,
}: {
  readonly data: unknown
  readonly at: Path
  readonly report: Report
  readonly forms: TextForms
  readonly part: keyof MailAddress
  readonly says: Outcomes
}): Criterion | undefined {
  const plain = textMatcher(data, at, report, forms.plain)
  const lenient = textMatcher(data, at, () => {}, forms.lenient)
  if (plain === undefined || lenient === undefined) return undefined
  return ofUser((someone) => {
    const read = mailOf(someone)
    if (typeof read === 'string') return withoutAddress(read, plain, says)
    return says[
      agreed([plain(read.plain[part]) ? 'hit' : 'miss', lenient(read.lenient[part]) ? 'hit' : 'miss'])
    ]
  })
}

function withoutAddress(lack: Lack, { of }: OfNothing, says: Outcomes): Outcome {
  const truth = of[lack]
  if (truth !== 'unknown') return says[truth]
  if (lack === 'unverified') return UNVERIFIED
  return lack === 'absent' || lack === 'none' ? NO_ADDRESS : says.unknown
}

function groups(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const matches = listMatcher(data, at, report)
  return (
    matches &&
    ofUser(({ groups: all, knownGroups = [] }) => {
      const isMet = all === 'unknown' ? matches(knownGroups, false) : matches(all)
      if (isMet === undefined) return GROUPS_UNKNOWN
      return isMet ? GROUPS_OK : GROUPS_MISS
    })
  )
}

function claim(...[data, at, report, { subPath }]: Parameters<CompileData>): Criterion | undefined {
  if (subPath === 'email') return emailClaim(data, at, report)
  const matches = listMatcher(data, at, report)
  if (matches === undefined) return undefined
  const valuesIn = claimValues(subPath)
  return ofUser((someone) => {
    const values = valuesIn(someone)
    if (typeof values === 'string') return CLAIM[matches.of[values]]
    return matches(values) ? CLAIM.hit : CLAIM.miss
  })
}

/** The claim by which people are addressed is no more to be relied on under another name. */
function emailClaim(data: unknown, at: Path, report: Report): Criterion | undefined {
  const plain = listMatcher(data, at, report, mailForms.plain)
  const lenient = listMatcher(data, at, () => {}, mailForms.lenient)
  if (plain === undefined || lenient === undefined) return undefined
  const valuesIn = claimValues('email')
  return ofUser((someone) => {
    const values = reliedOn(someone, valuesIn(someone))
    if (typeof values === 'string') return withoutAddress(values, plain, CLAIM)
    return CLAIM[
      agreed([
        plain(values.map(mailForms.plain)) ? 'hit' : 'miss',
        lenient(values.map(mailForms.lenient)) ? 'hit' : 'miss',
      ])
    ]
  })
}

/** Of people it has to be the very address that counts; what a machine's token says stands for itself. */
function reliedOn(someone: Identified, values: readonly string[] | Lack): readonly string[] | Lack {
  if (someone.kind !== 'user') return values
  const counts = mailOf(someone)
  if (typeof counts === 'string') return counts
  if (typeof values === 'string') return values
  const { address } = counts.plain
  return values.every((value) => readMail(value)?.plain.address === address) ? values : 'unverified'
}

/** Beside the claims themselves: where the groups are unknown, so is the claim that would tell them. */
export function claimValues(path: string): (someone: Identified) => readonly string[] | Lack {
  const valuesIn = claimReader(path)
  const isOfGroups = /^groups(?:[/.]|$)/.test(path)
  return ({ claims, groups: all }) =>
    valuesIn(claims) ?? (isOfGroups && all === 'unknown' ? 'unknown' : 'none')
}

function ofUser(test: (someone: Identified) => Outcome): Criterion {
  return (subject) => (subject.kind === 'anonymous' ? UNIDENTIFIED : test(subject))
}
