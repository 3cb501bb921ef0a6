/**
 * Criteria about logins over SSH. Whatever is not one misses them all.
 *
 * @module
 */

import type { SshKey } from '../../crypto/openssh/ssh-wire.ts'
import type { RequestFacts, Subject } from '../decision.ts'
import { mailOf } from '../matching/mail-of.ts'
import { textMatcher } from '../matching/matchers.ts'
import { agreed, MISSING_FACTS } from '../missing-facts.ts'
import {
  type Criterion,
  hit,
  miss,
  NO_ADDRESS,
  type Outcome,
  outcomes,
  UNIDENTIFIED,
  UNVERIFIED,
  unknown,
} from '../outcome.ts'
import { claimValues } from './identity-criteria.ts'
import { type CompileData, type Kinds, NO_DATA, withoutData } from './kind.ts'
import { mayLogIn, readSshCertificate } from './ssh-certificate.ts'
import { readSshKeys } from './ssh-keys.ts'

const USERNAME = outcomes('ssh-username-ok', 'ssh-username-unauthorized', 'ssh-username-unknown')
const KEY_OK = hit('ssh-publickey-ok')
const KEY_MISS = miss('ssh-publickey-unauthorized')
const CA_OK = hit('ssh-ca-ok')
const CA_MISS = miss('ssh-ca-unauthorized')
const CA_UNKNOWN = unknown('ssh-ca-unknown')

const EXAMPLE_KEY =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5bfbINn7RDvgHkfWcF8tEs5fuuDTUSJfM0XrYxlqJW deploy@example.com'

export const SSH_CRITERIA: Kinds = {
  ssh_username: {
    holds: 'the name to log in as fits',
    data: 'text matcher',
    example: { in: ['deploy', 'ubuntu'] },
    reasons: ['ssh-username-ok', 'ssh-username-unauthorized'],
    needs: 'ssh',
    reads: ['ssh'],
    compile: sshUsername,
  },
  ssh_username_matches_email: {
    holds: 'the name to log in as is the part of the e-mail address before `@`',
    ...NO_DATA,
    reasons: ['ssh-username-ok', 'ssh-username-unauthorized', 'ssh-username-unknown', 'user-unauthenticated'],
    needs: 'ssh',
    reads: ['ssh'],
    readsSubject: true,
    compile: withoutData(matchesEmail),
  },
  ssh_username_matches_claim: {
    holds: 'the name to log in as is one of the values of that claim',
    data: 'the name of a claim',
    example: 'preferred_username',
    reasons: ['ssh-username-ok', 'ssh-username-unauthorized', 'ssh-username-unknown', 'user-unauthenticated'],
    needs: 'ssh',
    reads: ['ssh'],
    readsSubject: true,
    compile: matchesClaim,
  },
  ssh_publickey: {
    holds: 'the key that the client has proven is one of these',
    data: 'lines as in `authorized_keys`, without options: one text or a list',
    example: [EXAMPLE_KEY],
    reasons: ['ssh-publickey-ok', 'ssh-publickey-unauthorized'],
    needs: 'ssh',
    reads: ['ssh'],
    compile: sshPublicKey,
  },
  ssh_ca: {
    holds:
      'the client has shown an OpenSSH user certificate that one of these authorities has signed. It must be valid now and from its address, and name the login among its principals. Critical options other than `source-address` are not taken, nor are signatures with SHA-1',
    data: 'keys of authorities, in lines as in `authorized_keys`: one text or a list',
    example: [EXAMPLE_KEY],
    reasons: ['ssh-ca-ok', 'ssh-ca-unauthorized', 'ssh-ca-unknown'],
    needs: 'ssh',
    reads: ['ssh', 'time', 'source_ip'],
    compile: sshCa,
  },
}

function sshUsername(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const matches = textMatcher(data, at, report)
  return (
    matches && ((_, { ssh }) => (ssh !== undefined && matches(ssh.username) ? USERNAME.hit : USERNAME.miss))
  )
}

function matchesEmail(subject: Subject, { ssh }: RequestFacts): Outcome {
  if (ssh === undefined) return USERNAME.miss
  if (subject.kind === 'anonymous') return UNIDENTIFIED
  const read = mailOf(subject)
  if (read === 'absent') return NO_ADDRESS
  if (read === 'unverified') return UNVERIFIED
  if (typeof read === 'string') return USERNAME[MISSING_FACTS[read].text]
  // Logins have case and addresses have none: they fit as the provider writes the address, and in small
  // letters.
  if (subject.email?.startsWith(`${ssh.username}@`) === true) return USERNAME.hit
  return USERNAME[
    agreed([read.plain, read.lenient].map(({ local }) => (ssh.username === local ? 'hit' : 'miss')))
  ]
}

function matchesClaim(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  if (typeof data !== 'string' || data === '') {
    report(at, 'must be the name of a claim, such as preferred_username')
    return undefined
  }
  const valuesIn = claimValues(data)
  return (subject, { ssh }) => {
    if (ssh === undefined) return USERNAME.miss
    if (subject.kind === 'anonymous') return UNIDENTIFIED
    const values = valuesIn(subject)
    if (typeof values === 'string') return USERNAME[MISSING_FACTS[values].list]
    return USERNAME[values.includes(ssh.username) ? 'hit' : 'miss']
  }
}

function sshPublicKey(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const keys = readSshKeys(data, at, report)
  return (
    keys &&
    ((_, { ssh }) => {
      const shown = ssh?.publicKey
      return shown !== undefined && keys.has(Buffer.from(shown).toString('base64')) ? KEY_OK : KEY_MISS
    })
  )
}

function sshCa(...[data, at, report]: Parameters<CompileData>): Criterion | undefined {
  const authorities = readSshKeys(data, at, report)
  if (authorities === undefined) return undefined
  const wrong = [...authorities.values()].map(authorityProblem).find((problem) => problem !== undefined)
  if (wrong !== undefined) {
    report(at, wrong)
    return undefined
  }
  return (_, { ssh, now, sourceIp }) => {
    const certificate = ssh?.publicKey && readSshCertificate(ssh.publicKey)
    if (ssh === undefined || certificate === undefined) return CA_MISS
    if (now === undefined) return CA_UNKNOWN
    return mayLogIn(certificate, authorities, { username: ssh.username, sourceIp, now }) ? CA_OK : CA_MISS
  }
}

/** Below this an RSA key can be broken. */
const FEWEST_RSA_BITS = 2048

function authorityProblem({ type, verifier }: SshKey): string | undefined {
  if (verifier === undefined)
    return `holds a key of type ${type}; authorities with keys on a security token are not supported`
  const bits = verifier.asymmetricKeyDetails?.modulusLength ?? FEWEST_RSA_BITS
  return bits < FEWEST_RSA_BITS
    ? `holds an RSA key of ${bits} bits; an authority needs ${FEWEST_RSA_BITS} at least`
    : undefined
}
