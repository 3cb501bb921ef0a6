/**
 * What the policy of a made-up request looks up, from the files and addresses that the configuration names.
 *
 * @module
 */
import type { Config } from '../../config/config.ts'
import { openLookups } from '../../lookups/lookups.ts'
import { followHttpClient } from '../../outbound/current-http-client.ts'
import type { CompiledPolicy, DataSources } from '../../policy/decision.ts'
import { unchanging } from './unchanging.ts'

/** As an export of a few megabytes may be. */
const LARGEST_ANSWER = 64 * 1024 * 1024

export interface OpenLookups extends AsyncDisposable {
  readonly data: DataSources | undefined
}

/** Each source is tried once, and only where the policy asks; what can't be had is told, and unknown. */
export async function lookupsFor(
  policy: CompiledPolicy | undefined,
  config: Config,
  stderr: { write(text: string): unknown },
): Promise<OpenLookups> {
  const isAsked = policy !== undefined && (policy.reads.has('record') || policy.reads.has('geo'))
  await using opening = new AsyncDisposableStack()
  if (!isAsked) return { data: undefined, [Symbol.asyncDispose]: async () => {} }
  const source = unchanging(config)
  const http = opening.use(followHttpClient({ config: source, maxResponseBytes: LARGEST_ANSWER }))
  const lookups = opening.use(
    openLookups({
      config: source,
      http,
      now: Date.now,
      logger: {
        info() {},
        warn: (fields, message) => stderr.write(`sallyport: ${message}: ${JSON.stringify(fields)}\n`),
      },
    }),
  )
  await lookups.ready()
  const open = opening.move()
  return { data: lookups, [Symbol.asyncDispose]: () => open.disposeAsync() }
}
