/**
 * Git's own server for repositories over HTTP, `git http-backend`, behind the proxy. It listens on loopback
 * only, so every request comes through the proxy, and the header that names the person can be believed.
 *
 * `GIT_PROJECT_ROOT=/srv/git PORT=3000 node server.ts`
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const { PORT = '3000', GIT_PROJECT_ROOT = '/srv/git' } = process.env

/** Headers of the answer, as CGI writes them before an empty line; `Status` is the status. */
function writeHead(head: string, response: ServerResponse): void {
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/: (.*)/s)
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost')
  const header = (name: string): string => String(request.headers[name] ?? '')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: header('git-protocol'),
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      ...(header('content-length') === '' ? {} : { CONTENT_LENGTH: header('content-length') }),
      // Git lets only people with a name push, and passes it to hooks.
      REMOTE_USER: header('x-pomerium-claim-email'),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => request.resume())
  response.on('close', () => child.kill())

  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) return void response.write(chunk)
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    writeHead(head.subarray(0, end).toString(), response)
    response.write(head.subarray(end + 4))
    head = undefined
  })
  child.stdout.on('end', () => response.end())
}

createServer(answer).listen(Number(PORT), '127.0.0.1', () => {
  process.stdout.write(`git server listens on 127.0.0.1:${PORT}\n`)
})
