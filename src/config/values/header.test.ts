import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { routeProblems } from '../problems.fixture.ts'

describe('headers', () => {
  it('that Envoy refuses to change are refused first', () => {
    assert.deepEqual(routeProblems('set_request_headers: {Host: x, ":path": /, Content-Length: 3}'), [
      'set_request_headers.Host: "Host" cannot be set or removed; use host_rewrite or preserve_host_header',
      'set_request_headers.:path: ":path" is a pseudo-header, which cannot be set or removed',
      'set_request_headers.Content-Length: "Content-Length" frames the message and cannot be set or removed',
    ])
    assert.deepEqual(routeProblems('remove_request_headers: [host]'), [
      'remove_request_headers[0]: "host" cannot be set or removed; use host_rewrite or preserve_host_header',
    ])
  })

  it('have names and values of RFC 9110 section 5', () => {
    assert.deepEqual(routeProblems('set_response_headers: {"X Y": a, "": b}'), [
      'set_response_headers.X Y: "X Y" is not a header name',
      'set_response_headers.: "" is not a header name',
    ])
    assert.deepEqual(routeProblems('set_response_headers: {X: "a\\r\\nSet-Cookie: b"}'), [
      'set_response_headers.X: may not hold control characters such as line breaks',
    ])
    assert.deepEqual(routeProblems(`set_response_headers: {X: ${'a'.repeat(8193)}}`), [
      'set_response_headers.X: may have at most 8192 bytes',
    ])
  })

  it('named twice in two cases are one header', () => {
    assert.deepEqual(routeProblems('set_request_headers: {X-A: 1, x-a: 2}'), [
      'set_request_headers.x-a: "x-a" and "X-A" are one header',
    ])
  })

  it('may have a number or a boolean as value, which is its text', () => {
    assert.deepEqual(routeProblems('set_request_headers: {X-A: 1, X-B: true}'), [])
    assert.deepEqual(routeProblems('set_request_headers: {X-A: [1]}'), [
      'set_request_headers.X-A: must be a text',
    ])
  })

  it('take the references that exist, in both spellings', () => {
    assert.deepEqual(
      routeProblems(
        `set_request_headers: {A: "$pomerium.id_token", B: "x \${pomerium.access_token}", C: '$pomerium.request.headers["X-Y"]', D: "$$5 $5 100%", E: "Bearer $pomerium.jwt"}`,
      ),
      [],
    )
  })

  it('refuse references that would come out empty', () => {
    const [typo, plural, open] = routeProblems(
      'set_request_headers: {A: $pomerium.id_tokn, B: $pomerium.client_cert_fingerprints, C: "${pomerium.jwt"}',
    )
    assert.match(typo ?? '', /"\$pomerium.id_tokn" is not known; there are \$pomerium.access_token/)
    assert.match(plural ?? '', /"\$pomerium.client_cert_fingerprints" is not known/)
    assert.match(open ?? '', /"\$\{" is not closed/)
  })
})
