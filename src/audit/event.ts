/**
 * One event of the audit trail: what somebody did, or was kept from doing, whatever protocol it came by.
 *
 * Each carries the decision id (Envoy's `x-request-id` where there is one), by which lines of logs, pages,
 * spans and events that belong together are found. Events hold what was judged, not a text: what may be told
 * of it, and in which form, is for the sink. Decisions over HTTP come first; the other kinds are what further
 * services tell.
 *
 * @module
 */
import type { Access, Verdict } from '../access/access.ts'
import type { Session } from '../session/session.ts'

export type AuditEvent = AccessEvent | SessionEvent | ConfigEvent | AdminEvent

interface WithDecisionId {
  /** Unset or empty where whoever asked brought none. */
  readonly decisionId: string | undefined
}

/** Somebody wanted to use a route. */
export type AccessEvent = HttpAccess | TunnelAccess | SshAccess | McpAccess

interface JudgedAccess extends WithDecisionId {
  readonly kind: 'access'
  /** Who came, as far as the rows have found out. */
  readonly access: Access
  /** Undefined when something failed before there was one. */
  readonly verdict: Verdict<string> | undefined
  /** Code of what failed. */
  readonly failure?: string | undefined
}

/** What a decision over HTTP was asked with. */
export interface HttpRequest {
  /** Envoy's id of the stream. */
  readonly id: string
  readonly method: string
  /** As the client wrote it, perhaps with a port. */
  readonly host: string
  /** With query. */
  readonly path: string
  /** By which Envoy tells the route that it has matched. */
  readonly routeId: string
  header(name: string): string | undefined
  headerNames(): readonly string[]
}

export interface HttpAccess extends JudgedAccess {
  readonly protocol: 'http'
  readonly request: HttpRequest
  /** Lower-case names of headers, beside the usual ones, that may hold credentials on this route. */
  readonly secretHeaders: readonly string[]
  /** HTTP status of our answer; 0 when the request was passed on. */
  readonly status: number
  /** Groups of the person that the upstream is not told. */
  readonly removedGroups: number
  /** Bytes of headers that tell the upstream who it is. */
  readonly identityBytes?: number | undefined
}

export interface TunnelAccess extends JudgedAccess {
  readonly protocol: 'tcp' | 'udp'
  /** `host:port` that was asked for. */
  readonly target: string
}

export interface SshAccess extends JudgedAccess {
  readonly protocol: 'ssh'
  /** The account on the target. */
  readonly login: string
  /** SHA-256 of the key that was shown, as OpenSSH writes it. */
  readonly keyFingerprint: string | undefined
}

export interface McpAccess extends JudgedAccess {
  readonly protocol: 'mcp'
  /** JSON-RPC method. */
  readonly method: string
  /** Of `tools/call`. Parameters are told by a sink that knows which of them are secrets. */
  readonly tool: string | undefined
}

/** A session began, or ended. */
export interface SessionEvent extends WithDecisionId {
  readonly kind: 'session'
  readonly change: 'signed in' | 'signed out'
  readonly session: Session
}

/** Another configuration is in force. */
export interface ConfigEvent extends WithDecisionId {
  readonly kind: 'config'
  readonly generation: number
  readonly checksum: string
}

/** Somebody who runs this proxy changed something by its management interfaces. */
export interface AdminEvent extends WithDecisionId {
  readonly kind: 'admin'
  readonly by: string
  readonly action: string
  readonly subject: string
}

export type AuditSink<Event extends AuditEvent = AuditEvent> = (event: Event) => void
