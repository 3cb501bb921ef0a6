/**
 * What an allowed check leaves with Envoy, so that a stream which stays open can be judged again: by whose
 * credentials it was opened, on which route, and what else the policy has read of the request.
 *
 * Envoy keeps it with the request and shows it to nobody but Sallyport.
 *
 * @module
 */
import { z } from 'zod'

/** Envoy puts what a check tells it besides its answer under this name. */
export const PERMIT_NAMESPACE = 'envoy.filters.http.ext_authz'
export const PERMIT_KEY = 'permit'
export const FACTS_KEY = 'permit_facts'

/** The same for all requests of one user agent on one route. */
export interface Permit {
  readonly routeId: string
  /** Canonical: lower case, no port. */
  readonly host: string
  readonly sessionIds: readonly string[]
  readonly serviceAccountIds: readonly string[]
  /** As Envoy tells of the client's certificate, where a policy asks for it; null: it has shown none. */
  readonly certificate?: string | null | undefined
}

/** Of one request, where its policy reads more than who asks. */
export interface PermitFacts {
  readonly method: string
  /** Without query. */
  readonly path: string
  /** Address of the client; empty when nobody knows. */
  readonly clientAddress: string
  /** Those that criteria ask for, by lower-case name; null where the request has none of that name. */
  readonly headers: Readonly<Record<string, string | null>>
  /** A token that is verified here. */
  readonly bearer?: string | undefined
}

const Texts = z.array(z.string())
const WrittenPermit = z
  .object({
    r: z.string(),
    h: z.string(),
    s: Texts.default([]),
    a: Texts.default([]),
    c: z.string().nullish(),
  })
  .transform(
    ({ r, h, s, a, c }): Permit => ({
      routeId: r,
      host: h,
      sessionIds: s,
      serviceAccountIds: a,
      ...(c !== undefined && { certificate: c }),
    }),
  )
const WrittenFacts = z.object({
  method: z.string(),
  path: z.string(),
  clientAddress: z.string(),
  headers: z.record(z.string(), z.string().nullable()),
  bearer: z.string().optional(),
})

export function writePermit(permit: Permit): string {
  const { routeId, host, sessionIds, serviceAccountIds, certificate } = permit
  return JSON.stringify({
    r: routeId,
    h: host,
    ...(sessionIds.length > 0 && { s: sessionIds }),
    ...(serviceAccountIds.length > 0 && { a: serviceAccountIds }),
    c: certificate,
  })
}

export const writeFacts = (facts: PermitFacts): string => JSON.stringify(facts)

/** `undefined` for what no check of ours has written. */
export const readPermit = (text: string | undefined): Permit | undefined => parsed(WrittenPermit, text)

export const readFacts = (text: string | undefined): PermitFacts | undefined => parsed(WrittenFacts, text)

function parsed<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
