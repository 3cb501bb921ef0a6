/**
 * JSON that an issuer serves.
 *
 * @module
 */
import { shownUrl } from '../shown-url.ts'
import { type HttpClient, HttpFailure } from './http-client.ts'

/** @throws {HttpFailure} for whatever is not a good answer: it is the server's fault then, not the token's */
export async function getJson(
  http: HttpClient,
  url: string,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const answer = await http.fetch(url, { headers: { accept: 'application/json', ...headers } })
  if (answer.status !== 200) throw new HttpFailure(`GET ${shownUrl(url)}: it answered ${answer.status}`)
  try {
    return await answer.json()
  } catch (cause) {
    throw new HttpFailure(`GET ${shownUrl(url)}: it answered no JSON`, { cause })
  }
}

export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
