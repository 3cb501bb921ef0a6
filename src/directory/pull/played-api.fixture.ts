/**
 * A local server that stands in for the APIs of Microsoft, Google, Okta, GitLab and GitHub, which can't be
 * had for tests. It answers in the forms of their documentation; what it holds is what the test says.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Secret } from '../../config/values/secret.ts'
import { createHttpClient } from '../../outbound/http-client.ts'
import { SourceFailure } from '../../outbound/kept-copy.ts'
import { Roster } from '../roster.ts'
import type { ApiPorts } from './api.ts'
import type { Listing } from './listing.ts'

export interface Played {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Asked {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
}

/** By method and path; the query is for the answer to look at. */
export type Script = Readonly<Record<string, (asked: Asked) => Played>>

export class PlayedApi implements AsyncDisposable {
  readonly asked: Asked[] = []
  readonly waited: number[] = []
  readonly now = Date.UTC(2026, 10, 25)
  script: Script
  readonly #server
  readonly #http = createHttpClient({ timeoutMs: 2000 })

  private constructor(script: Script) {
    this.script = script
    this.#server = createServer((request, response) => {
      void this.#reply(request, response)
    })
  }

  static async start(script: Script = {}): Promise<PlayedApi> {
    const api = new PlayedApi(script)
    await new Promise<void>((done) => api.#server.listen(0, '127.0.0.1', done))
    return api
  }

  get url(): string {
    const address = this.#server.address()
    assert.ok(typeof address === 'object' && address !== null)
    return `http://127.0.0.1:${address.port}`
  }

  get ports(): ApiPorts {
    return {
      http: this.#http,
      now: () => this.now,
      signal: AbortSignal.timeout(10_000),
      sleep: (ms) => Promise.resolve(this.waited.push(ms)),
    }
  }

  /** What was asked, without host and secrets. */
  get paths(): readonly string[] {
    return this.asked.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status = 200, headers = {}, body = {} } = await this.#answer(request)
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  async #answer(request: IncomingMessage): Promise<Played> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const url = new URL(request.url ?? '/', this.url)
    const asked = {
      method: request.method ?? '',
      url,
      headers: request.headers,
      form: new URLSearchParams(text),
    }
    this.asked.push(asked)
    return (
      this.script[`${asked.method} ${url.pathname}`]?.(asked) ?? {
        status: 404,
        body: { message: 'Not Found' },
      }
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]()
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }
}

export const PLANTED = 'planted-directory-secret'
export const secret = Secret.of(PLANTED)
/** What every pulled source has. */
export const common = {
  name: 'pulled',
  match_by: 'user_id',
  group_names: true,
  poll_interval: 600_000,
  max_age: 86_400_000,
}

/** Person → the ids of their groups, `!` before somebody who is deactivated. */
export function summary(listing: Listing): Record<string, readonly string[]> {
  const roster = Roster.of(listing.people, listing.groups)
  return Object.fromEntries(
    listing.people.map(({ id, isActive }) => {
      const groups = roster.groupsOf(id)
      assert.ok(groups !== 'unknown')
      return [`${isActive ? '' : '!'}${id}`, groups.map((group) => group.id).toSorted()]
    }),
  )
}

export async function failure(work: Promise<unknown>): Promise<SourceFailure> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SourceFailure, String(error))
  assert.doesNotMatch(error.message, new RegExp(PLANTED))
  return error
}
