/**
 * A real SCIM client (scim2-client) and a tester of SCIM servers (scim2-tester), in a Python of their own.
 *
 * @module
 */
import { join } from 'node:path'
import { run } from './process.ts'

const SCRIPT = join(import.meta.dirname, 'scim-client.py')

interface Patch {
  readonly op: 'add' | 'replace' | 'remove'
  readonly path?: string
  readonly value?: unknown
}

export type ScimCommand =
  | { readonly do: 'check' }
  | { readonly do: 'create'; readonly kind: 'User' | 'Group'; readonly with: object }
  | { readonly do: 'find'; readonly kind: 'User' | 'Group'; readonly filter: string }
  | {
      readonly do: 'patch'
      readonly kind: 'User' | 'Group'
      readonly id: string
      readonly operations: readonly Patch[]
    }
  | { readonly do: 'delete'; readonly kind: 'User' | 'Group'; readonly id: string }

export interface ScimClientOptions {
  /** From `parts.scim()`. */
  readonly python: string
  readonly baseUrl: string
  readonly token: string
  readonly caFile: string
}

/** Does one thing; answers what the client understood of the server's answer. */
export async function scim<Answer>(options: ScimClientOptions, command: ScimCommand): Promise<Answer> {
  const { python, baseUrl, token, caFile } = options
  const args = [SCRIPT, baseUrl, token, caFile, JSON.stringify(command)]
  const answer = JSON.parse(await run({ command: python, args, withinMs: 120_000 })) as
    | { readonly ok: Answer }
    | { readonly failed: string }
  if ('failed' in answer) throw new Error(answer.failed)
  return answer.ok
}
