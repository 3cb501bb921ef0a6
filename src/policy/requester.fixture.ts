/**
 * A request in one line, as the tables of the specification and of the documentation write it:
 *
 *     alice POST /a from 10.0.0.1 as preflight at 2030-01-01T10:00:00Z with web
 *       in berlin ssh deploy key laptop
 *
 * Who asks comes first, then method and path, then whatever else matters, in this order.
 */
import assert from 'node:assert/strict'
import type { ClientCertificateFacts, DataSources, Place, RequestFacts } from './decision.ts'

/** What the names in a line stand for. */
export interface RequesterWorld {
  readonly certificates: Readonly<Record<string, Exclude<ClientCertificateFacts, { presented: false }>>>
  readonly places: Readonly<Record<string, Place>>
  readonly keys?: Readonly<Record<string, Uint8Array>>
  record: DataSources['record']
}

const PREFLIGHT = { origin: 'https://a.test', 'access-control-request-method': 'PUT' }
const SHAPES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  preflight: PREFLIGHT,
  'originless preflight': { 'access-control-request-method': 'PUT' },
  'methodless preflight': { origin: 'https://a.test' },
}

const LINE = new RegExp(
  [
    /^(?<who>\w+)/,
    /(?: (?!(?:from|as|at|with|in|ssh|mcp) )(?<method>\w+) (?<path>.+?))?/,
    /(?: from (?<ip>\S+))?/,
    /(?: as (?<shape>(?:\w+ )?preflight))?/,
    /(?: with (?<certificate>\S+))?/,
    /(?: in (?<place>\S+))?/,
    /(?: ssh (?<login>\S+)(?: key (?<key>\S+))?)?/,
    /(?: mcp (?<call>\S+)(?: (?<tool>(?!at )\S+))?)?/,
    /(?: at (?<time>\S+))?$/,
  ]
    .map(({ source }) => source)
    .join(''),
)

export function readRequester(
  line: string,
  world: RequesterWorld,
): { readonly who: string; readonly request: RequestFacts } {
  const { groups } = LINE.exec(line) ?? {}
  assert.ok(groups, `can't read "${line}"`)
  const { who = '', method = 'GET', path = '/', ip = '192.0.2.10', time } = groups
  const request: RequestFacts = {
    method,
    path,
    host: 'app.test',
    sourceIp: ip,
    headers: named(SHAPES, groups['shape']) ?? {},
    now: time === undefined ? undefined : instantOf(time),
    clientCertificate:
      groups['certificate'] === 'nothing'
        ? { presented: false }
        : named(world.certificates, groups['certificate']),
    data: { record: (type, key) => world.record(type, key), place: () => placeOf(groups['place'], world) },
    ssh: groups['login'] === undefined ? undefined : sshOf(groups['login'], groups['key'], world),
    mcp: mcpOf(groups['call'], groups['tool']),
  }
  return { who, request }
}

function named<T>(table: Readonly<Record<string, T>>, name: string | undefined): T | undefined {
  if (name === undefined) return undefined
  const found = table[name]
  assert.ok(found !== undefined, `nothing is called "${name}"`)
  return found
}

function instantOf(text: string): number {
  const instant = Date.parse(text)
  assert.ok(Number.isFinite(instant), `"${text}" is no time`)
  return instant
}

function placeOf(name: string | undefined, { places }: RequesterWorld): Place | undefined | 'unknown' {
  if (name === undefined || name === 'unknown') return 'unknown'
  return name === 'nowhere' ? undefined : named(places, name)
}

function sshOf(
  username: string,
  key: string | undefined,
  { keys = {} }: RequesterWorld,
): RequestFacts['ssh'] {
  return { username, publicKey: named(keys, key) }
}

function mcpOf(method: string | undefined, tool: string | undefined): RequestFacts['mcp'] {
  if (method === undefined || method === 'unknown') return method
  return { method, tool }
}
