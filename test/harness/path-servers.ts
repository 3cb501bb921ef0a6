/**
 * Real servers that read paths each in their own way: whatever is below `/admin/` to them answers `ADMIN`,
 * all else `OPEN`.
 *
 * @module
 */
import http from 'node:http'
import { join } from 'node:path'
import { findPart, need } from './parts.ts'
import { freePorts } from './ports.ts'
import { startProcess } from './process.ts'
import { until } from './until.ts'

export interface PathServer extends AsyncDisposable {
  readonly name: string
  readonly port: number
  readonly url: string
}

const FOLDER = join(import.meta.dirname, 'path-servers')

/** Parts that can be had, in a form that tests skip by. */
export const findPathServers = async () => ({
  tomcat: await findPart('tomcat'),
  python: await findPart('python-web'),
})

export async function startTomcat(): Promise<PathServer> {
  const folder = need(await findPart('tomcat'))
  const [port = 0] = await freePorts(1)
  const args = ['-Xmx256m', '-cp', `${folder}/*:${folder}`, 'TomcatServer', String(port)]
  return await started('Tomcat', port, { command: 'java', args })
}

export async function startPythonServer(kind: 'flask' | 'django'): Promise<PathServer> {
  const python = need(await findPart('python-web'))
  const [port = 0] = await freePorts(1)
  const args = [join(FOLDER, 'server.py'), kind, String(port)]
  return await started(kind === 'flask' ? 'Flask' : 'Django', port, { command: python, args })
}

async function started(
  name: string,
  port: number,
  how: { readonly command: string; readonly args: readonly string[] },
): Promise<PathServer> {
  const server = startProcess({ ...how, name })
  try {
    await server.waitForLine(/^ready/, 120_000)
    await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).ok, {
      what: `${name} to answer`,
      withinMs: 60_000,
    })
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  const url = `http://127.0.0.1:${port}`
  return { name, port, url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

type Reading = (target: string) => string

const pathOf: Reading = (target) => target.replace(/[?#].*$/s, '')

function decoded(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}

/** What programs on Node do with `request.url`, from none to too much. */
const NODE_READINGS: Readonly<Record<string, Reading>> = {
  'Node, as it came': pathOf,
  'Node, by URL': (target) => URL.parse(`http://x${target}`)?.pathname ?? '',
  'Node, URL and unescaped': (target) => decoded(URL.parse(`http://x${target}`)?.pathname ?? ''),
  'Node, unescaped, then normal': (target) => join('/', decoded(pathOf(target))),
  'Node, behind a proxy that unescapes': (target) =>
    join('/', decoded(decoded(pathOf(target)).replaceAll('\\', '/'))),
}

/** One for each reading. */
export async function startNodeServers(): Promise<readonly PathServer[]> {
  return await Promise.all(
    Object.entries(NODE_READINGS).map(async ([name, read]) => {
      const [port = 0] = await freePorts(1)
      const server = http.createServer((request, response) => {
        const { method = '', url = '' } = request
        response.end(/^\/admin\/./.test(read(url)) ? 'ADMIN' : `OPEN ${method}`)
      })
      server.listen(port, '127.0.0.1')
      const { promise: closed, resolve } = Promise.withResolvers<void>()
      return {
        name,
        port,
        url: `http://127.0.0.1:${port}`,
        async [Symbol.asyncDispose]() {
          server.close(() => resolve())
          server.closeAllConnections()
          await closed
        },
      }
    }),
  )
}
