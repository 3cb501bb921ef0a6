import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Config } from '../../config/config.ts'
import { ParseMemory } from '../../config/file/parse-memory.ts'
import { parseConfig } from '../../config/parse.ts'
import { TYPE_URL, type TypeUrl } from '../ads/resource.ts'
import { buildSnapshot } from './snapshot.ts'

const A = "  - { from: https://app.example.com, prefix: /a, to: 'http://127.0.0.1:1' }\n"
/** The same requests go to another target: only one of the two clusters can have the plain name. */
const TWIN = A.replace('1:1', '1:9')
const B = "  - { from: https://app.example.com, to: 'http://127.0.0.1:2' }\n"
const OTHER = "  - { from: https://other.example.com, to: 'http://127.0.0.1:3' }\n"

/** Configurations one after another, as a file that is edited gives them. */
function edited() {
  const memory = new ParseMemory()
  let settings: Config['settings'] | undefined
  return (routes: string, keys = ''): Config => {
    const parsed = parseConfig(`insecure_server: true\n${keys}routes:\n${routes}`, { memory })
    if (!('config' in parsed)) return assert.fail(parsed.problems[0]?.message)
    if (keys !== '') return parsed.config
    settings ??= parsed.config.settings
    return { ...parsed.config, settings }
  }
}

const inputs = { certificates: [], trustedRoots: '' }
const resourcesOf = (config: Config, typeUrl: TypeUrl) => [
  ...(buildSnapshot(config, inputs).resources.get(typeUrl)?.values() ?? []),
]
/** Of the same text, with nothing kept. */
const fresh = (routes: string, keys = '') => edited()(routes, keys)

const TYPES = [TYPE_URL.cluster, TYPE_URL.endpoints, TYPE_URL.virtualHost]

describe('resources of routes that stay the same', () => {
  it('are the very objects from before, also when the routes have moved in the file', () => {
    const parse = edited()
    const before = parse(A + OTHER)
    const after = parse(`  # moved\n${A}${OTHER}`)
    for (const typeUrl of TYPES)
      for (const [index, resource] of resourcesOf(before, typeUrl).entries())
        if (!resource.name.endsWith('/*')) assert.equal(resourcesOf(after, typeUrl)[index], resource)
  })

  for (const [what, next] of [
    ['a route is added to the host', [A + B]],
    ['a route is added above it', [B + A]],
    ['the order of two routes is another', [B + A, A + B]],
    ['a route goes', [A + B, A]],
    ['a twin above it takes the name of its cluster', [A + TWIN, TWIN + A, A]],
    ['the second of two routes says something else', [A + B, A + B.replace('to:', 'timeout: 7s, to:')]],
    ['the target is another', [A.replace(':1', ':8')]],
    ['a setting is another', [[A, 'set_response_headers: { x-a: b }\n']]],
    ['a time limit for all is another', [[A, 'default_upstream_timeout: 7s\n'], A]],
  ] as const) {
    it(`are never those from before when ${what}`, () => {
      const parse = edited()
      buildSnapshot(parse(A + OTHER), inputs)
      for (const step of next) {
        const [routes, keys] = typeof step === 'string' ? [step, ''] : step
        const [config, wanted] = [parse(routes, keys), fresh(routes, keys)]
        for (const typeUrl of TYPES)
          assert.deepEqual(resourcesOf(config, typeUrl), resourcesOf(wanted, typeUrl), typeUrl)
      }
    })
  }
})
