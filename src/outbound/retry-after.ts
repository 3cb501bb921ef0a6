/**
 * When a server wants to be asked again.
 *
 * @module
 */

/** Milliseconds from now; RFC 9110 section 10.2.3: seconds, or a date. */
export function retryAfterOf(answer: Response, now: number): number | undefined {
  const text = answer.headers.get('retry-after')
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
