/**
 * What `config/routing/path-rewrite.ts` tells of a rewritten path is what the upstream of a real Envoy gets:
 * many patterns and paths, asked of both.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rewritten } from '../../src/config/routing/path-rewrite.ts'
import { rawHttp1 } from '../harness/raw-http.ts'
import { startUpstream } from '../harness/upstream.ts'
import { configOf, startEdge } from './edge.ts'

const PATTERNS: readonly (readonly [pattern: string, substitution: string])[] = [
  ['^/app(.*)$', String.raw`/public/\1`],
  ['^/service/([^/]+)(/.*)$', String.raw`\2/instance/\1`],
  ['x', ''],
  ['x*', '-'],
  ['(a|b)*', String.raw`<\1\1>`],
  ['$', '/end'],
  ['^', '/begin'],
  ['/', '/./'],
  ['[./]+', '/'],
  ['(a)?(b)?', String.raw`\2\1`],
  [String.raw`\bapp\b`, String.raw`[\0]`],
  ['(?i)APP', '/up'],
  ['a$|^/a', 'y'],
  ['a??', 'q'],
]
const PATHS = [
  '/',
  '/app',
  '/app/x',
  '/app../x',
  '/appapp/app',
  '/abxc',
  '/axxb/xx',
  '/service/one/two/three',
  '/a/b/ab/ba',
  '/a.b/..c/%2e%41',
  '/App/aPP',
  '/a?x=/app/a',
]

describe('a path rewritten by a pattern', () => {
  it("is what Envoy's RE2 makes of it", async () => {
    await using upstream = await startUpstream()
    await using edge = await startEdge({
      config: (port) => {
        const routes = PATTERNS.map(
          ([pattern, substitution], index) =>
            `  - { from: 'https://r${index}.example.com', to: '${upstream.url}', regex_rewrite_pattern: '${pattern}', regex_rewrite_substitution: '${substitution}' }`,
        )
        return configOf(`address: 127.0.0.1:${port}\ninsecure_server: true\nroutes:\n${routes.join('\n')}\n`)
      },
    })
    await edge.xds.whenAcked(1)
    const differences: string[] = []
    for (const [index, route] of edge.source.current.routes.entries()) {
      for (const target of PATHS) {
        upstream.drain()
        edge.authorizer.checks.length = 0
        const request = `GET ${target} HTTP/1.1\r\nHost: r${index}.example.com\r\nConnection: close\r\n\r\n`
        await rawHttp1({ port: edge.port }, request)
        const [path = '', query] = (edge.authorizer.checks[0]?.path ?? '').split('?')
        const expected = `${String(rewritten(route, path))}${query === undefined ? '' : `?${query}`}`
        const [seen] = upstream.requests
        // One that is no path can't be sent: the check refuses it.
        if (expected.startsWith('/') && seen?.url !== expected)
          differences.push(`${PATTERNS[index]?.join(' → ')}: ${target}: told ${expected}, seen ${seen?.url}`)
      }
    }
    assert.deepEqual(differences, [])
  })
})
