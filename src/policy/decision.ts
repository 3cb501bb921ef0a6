/**
 * What a policy says of a request, and the words in which it says why.
 *
 * Pure types; `compile.ts` makes a `CompiledPolicy`, `extauthz/` turns a Decision into an answer.
 *
 * @module
 */

/** Three values, because a fact that could not be had must never count as "no" (docs/architecture.md). */
export type Truth = 'hit' | 'miss' | 'unknown'

/** Who asks. Facts that could not be resolved are `'unknown'`, which is not the same as none. */
export type Subject = { readonly kind: 'anonymous' } | Identified

/** A person, or a machine that has shown who it is. */
export interface Identified {
  readonly kind: IdentifiedKind
  readonly sessionId: string
  readonly userId: string
  /** Name of the sign-in provider of a person, by which ids are told apart; absent where nobody says it. */
  readonly provider?: string | undefined
  readonly email: string | undefined
  readonly name: string | undefined
  /** Flattened to lists of scalars, so that every criterion reads them alike. */
  readonly claims: Readonly<Record<string, readonly string[]>>
  readonly groups: readonly string[] | 'unknown'
  /** Where `groups` is unknown: those that somebody vouches for all the same. There may be more. */
  readonly knownGroups?: readonly string[] | undefined
  /** Devices that this person has enrolled; absent: none. */
  readonly devices?: readonly Device[] | undefined
}

/** A security key or a platform authenticator (WebAuthn) that has shown itself in this session. */
export interface Device {
  /** Its credential id, in base64url. */
  readonly id: string
  /** `enclave_only`: its key can't leave the hardware. */
  readonly type: 'any' | 'enclave_only'
  /** Whether an operator has approved it. */
  readonly approved: boolean
}

/**
 * `service-account`: one of ours, made by an operator. `workload`: a program that its platform vouches for.
 */
export type IdentifiedKind = 'user' | 'service-account' | 'workload'

/**
 * The facts of one request that criteria may read. An absent one is unknown to a criterion that needs it,
 * where its description does not say otherwise.
 */
export interface RequestFacts {
  readonly method: string
  /** Path without query, normalised by Envoy. */
  readonly path: string
  /** Whether the app has no other reading of the path (`paths_as_written` of the route). */
  readonly isPathAsWritten?: boolean | undefined
  readonly host: string
  /** Address of the downstream as Envoy sees it after trusted hops; no port. */
  readonly sourceIp: string
  /** Lower-case name → value. */
  readonly headers: Readonly<Record<string, string>>
  /** Epoch milliseconds: one instant for the whole request. */
  readonly now?: number | undefined
  /** Absent when client certificates are not asked for at all. */
  readonly clientCertificate?: ClientCertificateFacts | undefined
  /** Rows and places that are looked up by a fact of the request. */
  readonly data?: DataSources | undefined
  /** Absent for whatever is not a login over SSH. */
  readonly ssh?: SshFacts | undefined
  /** Absent for whatever is not a message to an MCP server. */
  readonly mcp?: McpFacts | 'unknown' | undefined
}

/** What the TLS handshake has shown of the client; its key is proven even where nobody vouches for it. */
export type ClientCertificateFacts =
  | { readonly presented: false }
  | {
      readonly presented: true
      /** `invalid`: not of a trusted authority, expired or revoked. */
      readonly validity: 'valid' | 'invalid'
      /** SHA-256 of the certificate, 64 lower-case hex digits. */
      readonly fingerprint: string
      /** SHA-256 of its public key (SubjectPublicKeyInfo), in base64. */
      readonly spkiHash: string
      readonly sanDns: readonly string[]
      readonly sanEmail: readonly string[]
      readonly sanUri: readonly string[]
    }

/** By which fact of a request the rows of a source are found. */
export type RecordKey = 'user.id' | 'user.email' | 'request.ip' | 'request.client_certificate.fingerprint'

/**
 * In memory, so that looking up does not wait. `unknown`: the source could not be read, or its copy is too
 * old.
 */
export interface DataSources {
  record(type: string, key: string): Readonly<Record<string, unknown>> | undefined | 'unknown'
  place(ip: string): Place | undefined | 'unknown'
}

/** Where an address is, as far as the database knows. */
export interface Place {
  /** ISO 3166-1 alpha-2, such as `DE`. */
  readonly country?: string | undefined
  /** Two letters, such as `EU`. */
  readonly continent?: string | undefined
  /** ISO 3166-2 without the country, such as `BY`. */
  readonly subdivision?: string | undefined
  /** In English. */
  readonly city?: string | undefined
  /** Number of the autonomous system. */
  readonly asn?: number | undefined
}

export interface SshFacts {
  /** The name that the client wants to log in as. */
  readonly username: string
  /**
   * The key or certificate that it has proven, in the form of RFC 4253 §6.6; absent when it has proven none.
   */
  readonly publicKey?: Uint8Array | undefined
}

export interface McpFacts {
  /** Of the JSON-RPC message: `tools/call`. */
  readonly method: string
  /** Of a tool call. */
  readonly tool?: string | undefined
}

/** One criterion, evaluated: the rows that `explain` and the denial page show. */
export interface TraceEntry {
  readonly action: 'allow' | 'deny'
  /** As the policy names it, sub-path included: `claim/department`. */
  readonly criterion: string
  readonly truth: Truth
  readonly reason: string
  /**
   * Where the criterion stands: keys and indices, as `positionOf` of config/ takes them. They begin at the
   * route, or at the top of the file if `isShared`.
   */
  readonly at?: readonly (string | number)[]
  /** Of a policy that several routes may name: `['policies', name, …]`. */
  readonly isShared?: true
  /** The name of the policy, if it has one. */
  readonly policy?: string
  /** Its rule is watched only: it decides nothing. */
  readonly mode?: 'observe'
}

export type PolicyOutcome = 'allow' | 'sign-in' | 'deny'

/** Outcome of a policy. A refusal is an answer, not an error: it is returned, never thrown. */
export interface Decision {
  readonly outcome: PolicyOutcome
  readonly reasons: readonly string[]
  readonly trace: readonly TraceEntry[]
  /** What it would have been if the rules with `mode: observe` counted; absent where there are none. */
  readonly observed?: { readonly outcome: PolicyOutcome; readonly reasons: readonly string[] } | undefined
  /** Of a refusal: what the named policies behind it have to say to whom it meets. */
  readonly advice: readonly Advice[]
  /**
   * Of a refusal for which no allow rule was met: each entry is one way in, and holds the reasons that would
   * all have to be overcome. Empty where a deny rule refuses.
   */
  readonly waysIn: readonly (readonly string[])[]
}

/** Markdown of whoever wrote the policy, for the person who was refused. */
export interface Advice {
  readonly policy: string
  readonly explanation?: string | undefined
  readonly remediation?: string | undefined
}

/** Request facts beside the subject that a policy reads: the key by which its decisions may be reused. */
export type ReadFact =
  | 'method'
  | 'path'
  | 'host'
  | 'source_ip'
  | 'headers'
  | 'time'
  | 'client_certificate'
  | 'record'
  | 'geo'
  | 'ssh'
  | 'mcp'

/** What is no mistake, and may not be what was meant. */
export interface PolicyWarning {
  /** Keys and indices, from the route or, if `isShared`, from the top of the file. */
  readonly at: readonly (string | number)[]
  readonly isShared?: true
  readonly message: string
}

export interface CompiledPolicy {
  /** What besides the subject the outcome depends on; empty means one decision per session. */
  readonly reads: ReadonlySet<ReadFact>
  /** Whether any criterion needs to know who asks. */
  readonly readsSubject: boolean
  /** Lower-case names of the request headers that criteria read; Envoy need not send us others for them. */
  readonly needsHeaders: readonly string[]
  /**
   * The groups that its criteria name, by id or name as they are written there: what an app behind it may
   * care for.
   */
  readonly mentionedGroups: readonly string[]
  /**
   * The claims that its criteria name, by path as it is written there: what must be known to repeat a
   * decision.
   */
  readonly mentionedClaims: readonly string[]
  /** Deny rules that depend on what a provider may leave out. */
  readonly warnings?: readonly PolicyWarning[]
  decide(subject: Subject, request: RequestFacts): Decision
}
