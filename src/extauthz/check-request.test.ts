import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Fault } from '../errors.ts'
import { loadProtos } from '../gen/protos.ts'
import { CheckRequest } from './check-request.ts'

const type = loadProtos('services').type('envoy.service.auth.v3.CheckRequest')

const encode = (message: object): Buffer => Buffer.from(type.encode(type.fromObject(message)).finish())

const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const headerName = fc.oneof(
  fc.constantFrom('cookie', 'accept', 'x-request-id', 'authorization'),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
)
const http = fc.record(
  {
    id: text,
    method: fc.constantFrom('GET', 'POST', 'CONNECT', ''),
    path: text,
    host: text,
    scheme: fc.constantFrom('https', 'http'),
    protocol: fc.constantFrom('HTTP/1.1', 'HTTP/2', 'HTTP/3'),
    query: text,
    body: text,
    size: fc.integer(),
    headers: fc.dictionary(headerName, text),
    header_map: fc.record({
      headers: fc.array(
        fc.oneof(
          fc.record({ key: headerName, value: text }),
          fc.record({ key: headerName, raw_value: fc.uint8Array({ maxLength: 40 }) }),
        ),
      ),
    }),
  },
  { requiredKeys: [] },
)
const message = fc.record({
  attributes: fc.record(
    {
      source: fc.record({
        address: fc.record({ socket_address: fc.record({ address: fc.ipV4(), port_value: fc.nat(65535) }) }),
        principal: text,
      }),
      destination: fc.record({ address: fc.record({ socket_address: fc.record({ address: fc.ipV6() }) }) }),
      request: fc.record({ time: fc.record({ seconds: fc.nat() }), http }),
      context_extensions: fc.dictionary(fc.constantFrom('route_id', 'other', 'route_idx'), text),
      tls_session: fc.record({ sni: text }),
    },
    { requiredKeys: [] },
  ),
})

interface Decoded {
  attributes?: {
    source?: { address?: { socket_address?: { address?: string } } }
    request?: {
      http?: {
        id: string
        method: string
        path: string
        host: string
        scheme: string
        protocol: string
        headers: Record<string, string>
        header_map?: { headers: { key: string; value?: string; raw_value?: Buffer }[] }
      }
    }
    context_extensions: Record<string, string>
  }
}

/** What a full decode finds, put in the terms of our reader. */
function reference(bytes: Buffer) {
  const decoded = type.toObject(type.decode(bytes), { defaults: false, objects: true }) as Decoded
  const found = decoded.attributes?.request?.http
  const headers: Record<string, string> = { ...found?.headers }
  const listed = new Map<string, string[]>()
  for (const { key, value, raw_value } of found?.header_map?.headers ?? []) {
    const part = raw_value === undefined ? (value ?? '') : Buffer.from(raw_value).toString('utf8')
    listed.set(key ?? '', [...(listed.get(key ?? '') ?? []), part])
  }
  for (const [name, parts] of listed) headers[name] = parts.join(name === 'cookie' ? '; ' : ',')
  return {
    id: found?.id ?? '',
    method: found?.method ?? '',
    path: found?.path ?? '',
    host: found?.host ?? '',
    scheme: found?.scheme ?? '',
    protocol: found?.protocol ?? '',
    sourceAddress: decoded.attributes?.source?.address?.socket_address?.address ?? '',
    routeId: decoded.attributes?.context_extensions?.['route_id'] ?? '',
    headers,
  }
}

function ours(bytes: Buffer) {
  const { id, method, path, host, scheme, protocol, sourceAddress, routeId, ...rest } = new CheckRequest(
    bytes,
  )
  assert.deepEqual(rest, {})
  const headers = { ...new CheckRequest(bytes).headers() }
  return { id, method, path, host, scheme, protocol, sourceAddress, routeId, headers }
}

/** An unknown field of every wire type that exists, to be put between known ones. */
const unknownField = fc
  .tuple(fc.integer({ min: 100, max: 2000 }), fc.constantFrom(0, 1, 2, 5), fc.uint8Array({ maxLength: 20 }))
  .map(([field, wireType, content]) => {
    const tag = field * 8 + wireType
    const head = [(tag & 0x7f) | 0x80, tag >> 7]
    const body = {
      0: [0xff, 0xff, 0x01],
      1: Array.from({ length: 8 }, () => 7),
      2: [content.length, ...content],
      5: [1, 2, 3, 4],
    }
    return Buffer.from([...head, ...body[wireType]])
  })

/** Passes when the bytes are read or refused; any other end is a failure. */
function total(bytes: Buffer): void {
  try {
    ours(bytes)
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'CHECK_MALFORMED', String(error))
  }
}

describe('reading a CheckRequest', () => {
  it('finds what a full decode finds', () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = encode(value)
        assert.deepEqual(ours(bytes), reference(bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('skips unknown fields before and after the known ones', () => {
    fc.assert(
      fc.property(message, unknownField, unknownField, (value, before, after) => {
        const bytes = encode(value)
        assert.deepEqual(ours(Buffer.concat([before, bytes, after])), ours(bytes))
      }),
    )
  })

  it('answers any bytes at all with a request or CHECK_MALFORMED', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => total(Buffer.from(bytes))),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), fc.nat(), (value, at, byte, cut) => {
        const bytes = encode(value)
        if (bytes.length === 0) return
        bytes[at % bytes.length] = byte
        total(bytes)
        total(bytes.subarray(0, cut % bytes.length))
      }),
      { numRuns: 1000 },
    )
  })

  it('refuses a length that reaches beyond its message', () => {
    for (const bytes of [
      [0x0a, 0x05, 0x00],
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      [0x0a, 0x02, 0x22, 0x09],
      [0x0a, 0x80],
      [0x00],
      [0x0b],
      [0x0f],
    ])
      assert.throws(() => new CheckRequest(Buffer.from(bytes)), { code: 'CHECK_MALFORMED' })
  })

  it('takes fields in any order and the last of two values', () => {
    const first = encode({ attributes: { request: { http: { method: 'GET', host: 'a' } } } })
    const second = encode({ attributes: { request: { http: { host: 'b', path: '/x' } } } })
    const { method, host, path } = new CheckRequest(Buffer.concat([second, first]))
    assert.deepEqual([method, host, path], ['GET', 'a', '/x'])
  })

  it('keeps every byte of a cookie that is not UTF-8', () => {
    const raw = Buffer.from([0x61, 0x3d, 0xff, 0x80, 0xc3])
    const request = new CheckRequest(
      encode({
        attributes: { request: { http: { header_map: { headers: [{ key: 'cookie', raw_value: raw }] } } } },
      }),
    )
    assert.deepEqual(Buffer.from(request.cookie ?? '', 'latin1'), raw)
  })

  it('does not take a header for another with the same beginning', () => {
    const request = new CheckRequest(
      encode({ attributes: { request: { http: { headers: { cookies: 'x', accep: 'y' } } } } }),
    )
    assert.equal(request.header('cookie'), undefined)
    assert.equal(request.header('accept'), undefined)
  })
})
