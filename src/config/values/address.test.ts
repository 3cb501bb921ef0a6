import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settingsProblems } from '../problems.fixture.ts'
import { parseListenAddress } from './address.ts'

describe('a listen address', () => {
  for (const [text, host, port] of [
    [':443', '0.0.0.0', 443],
    ['127.0.0.1:8443', '127.0.0.1', 8443],
    ['[::]:443', '::', 443],
    ['localhost:80', '127.0.0.1', 80],
  ] as const) {
    it(`"${text}" is ${host} and ${port}`, () => assert.deepEqual(parseListenAddress(text), { host, port }))
  }

  for (const text of ['443', ':0', ':65536', 'example.com:443', '1.2.3.4', '::1:443', '[1.2.3.4]:443', '']) {
    it(`"${text}" is refused`, () => assert.ok('wrong' in parseListenAddress(text)))
  }

  it('that two listeners share is refused at the one that was written', () => {
    assert.deepEqual(settingsProblems('http_redirect_addr: ":443"', 'routes: []'), [
      'http_redirect_addr: listens on port 443, as `address` does',
    ])
    assert.deepEqual(settingsProblems('address: 127.0.0.1:28080', 'metrics_address: 127.0.0.2:28080'), [
      'address: listens on port 28080, as `health_check_addr` does',
    ])
  })
})

it('a DNS server is an address, with udp:// and a port or without', () => {
  assert.deepEqual(settingsProblems('dns_resolvers: ["udp://1.1.1.1:53", 9.9.9.9, "[2620:fe::fe]:53"]'), [])
  assert.deepEqual(settingsProblems('dns_resolvers: [tcp://1.1.1.1, dns.example]'), [
    'dns_resolvers[0]: "tcp://1.1.1.1" is not a DNS server; write "udp://1.1.1.1:53"',
    'dns_resolvers[1]: "dns.example" is not a DNS server; write "udp://1.1.1.1:53"',
  ])
})
