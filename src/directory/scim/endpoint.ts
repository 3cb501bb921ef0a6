/**
 * The SCIM address over HTTP: who asks, how often, and in which form.
 *
 * Pages and cookies play no part here: a client shows the token of its source, or is refused.
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../../errors.ts'
import { inTurns } from '../../turns.ts'
import { type Admission, admit } from './admission.ts'
import { readJson } from './read-json.ts'
import { ScimRefusal } from './refusal.ts'
import { answerScim, MethodRefused, type ScimAnswer } from './requests.ts'
import type { ScimSource } from './scim-source.ts'
import { writeJson } from './write-json.ts'

export interface ScimEndpointOptions {
  /** Sources of the configuration in force, each with its token. */
  readonly admission: Admission
  /** Address below which everything is, without a slash at the end. */
  readonly baseUrl: () => string
}

export const SCIM_PATH = '/.pomerium/scim/v2'

/** A group of 10,000 members, each with a name and an address, is some 2 MB. */
const LARGEST_BODY = 4 * 1024 * 1024
const MOST_DROPPED = 64 * 1024 * 1024

/** Adds the address to a server; it is for one host only, which is the caller's to see to. */
export function addScimEndpoint(server: FastifyInstance, { admission, baseUrl }: ScimEndpointOptions): void {
  const admitted = new WeakMap<FastifyRequest, ScimSource>()
  server.removeAllContentTypeParsers()
  server.addContentTypeParser(
    ['application/scim+json', 'application/json'],
    async (_request: FastifyRequest, body: AsyncIterable<Buffer>) => await readBody(body),
  )
  server.setErrorHandler((error, request, reply) => sendRefusal(error, request, reply))
  // Before anything of the body is read.
  server.addHook('onRequest', (request, _reply, done) => {
    try {
      admitted.set(request, admit(request.headers.authorization, admission))
      done()
    } catch (error) {
      done(error instanceof Error ? error : new Error('refused'))
    }
  })
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const source = admitted.get(request)
    if (source === undefined) throw new Error('a request that was not admitted')
    const [path, search] = splitOnce(request.raw.url ?? '')
    const answered = await answerScim({
      source,
      baseUrl: baseUrl(),
      request: {
        method: request.method,
        path: path.slice(SCIM_PATH.length).replace(/^\/+|\/+$/g, ''),
        query: new URLSearchParams(search),
        ifMatch: request.headers['if-match'],
        ifNoneMatch: request.headers['if-none-match'],
        body: await parsed(request.body),
      },
    })
    return await send(reply, answered)
  }
  server.all('/*', answer)
  server.all('/', answer)
}

/**
 * A body that is too large is read to its end and dropped, up to a point: whoever is still sending would see
 * a broken connection instead of the answer.
 */
async function readBody(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length <= LARGEST_BODY) chunks.push(chunk)
    else chunks.length = 0
    if (length > MOST_DROPPED) break
  }
  if (length > LARGEST_BODY) throw new ScimRefusal(413, `the body is larger than ${LARGEST_BODY} bytes`)
  return Buffer.concat(chunks).toString('utf8')
}

function splitOnce(url: string): readonly [string, string] {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}

async function parsed(body: unknown): Promise<unknown> {
  return typeof body !== 'string' || body === '' ? undefined : await inTurns(readJson(body))
}

async function send(reply: FastifyReply, { status, headers = {}, body }: ScimAnswer): Promise<FastifyReply> {
  reply.code(status).headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers })
  if (body === undefined) return reply.send()
  return reply.header('content-type', 'application/scim+json').send(await inTurns(writeJson(body)))
}

/** @see RFC 7644 section 3.12 */
async function sendRefusal(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const refusal = refusalOf(error)
  const status = refusal?.status ?? 500
  if (refusal === undefined || status >= 500)
    request.log.error({ err: error, 'request-id': request.id }, 'a SCIM request failed')
  else
    request.log.info(
      { status, reason: refusal.message, method: request.method, 'request-id': request.id },
      'a SCIM request was refused',
    )
  return await send(reply, {
    status,
    headers: {
      ...(status === 401 && { 'www-authenticate': 'Bearer realm="scim"' }),
      ...(status === 429 && { 'retry-after': '1' }),
      ...(refusal instanceof MethodRefused && { allow: refusal.allowed }),
    },
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(status),
      ...(refusal?.scimType !== undefined && { scimType: refusal.scimType }),
      detail: refusal?.message ?? 'something went wrong here',
    },
  })
}

/** Refusals, faults, and what the HTTP server itself refuses, such as a body that is too large. */
function refusalOf(error: unknown): ScimRefusal | undefined {
  if (error instanceof ScimRefusal) return error
  if (error instanceof Fault) return new ScimRefusal(error.status, 'this can not be answered right now')
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (!(error instanceof Error) || typeof status !== 'number' || status < 400 || status >= 500)
    return undefined
  return new ScimRefusal(status, error.message)
}
