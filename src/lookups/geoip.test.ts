import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findPlace, type Place, readPlaces } from './geoip.ts'

/** Of public registers (CC0), in the flat form. */
const BOTH_FAMILIES = import.meta.resolve(
  '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb',
)
const IPV4_ALONE = import.meta.resolve(
  '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country-ipv4.mmdb',
)
const read = (url: string) => readPlaces(readFileSync(fileURLToPath(url)))
const table = (places: Readonly<Record<string, Place>>) => ({ builtAt: 0, find: (ip: string) => places[ip] })

describe('places by a real MaxMind DB', () => {
  const places = read(BOTH_FAMILIES)

  it('finds the country of IPv4 and IPv6 addresses, also of IPv4 inside IPv6', () => {
    assert.deepEqual(places.find('193.0.6.139'), { country: 'NL' })
    assert.equal(places.find('2001:67c:2e8::1')?.country, 'NL')
    assert.deepEqual(places.find('::ffff:193.0.6.139'), { country: 'NL' })
  })

  it('finds nothing for private addresses and for what is no address', () => {
    for (const ip of ['10.0.0.1', '127.0.0.1', '::1', 'fe80::1', '', 'nonsense', '193.0.6', '193.0.6.139:80'])
      assert.equal(places.find(ip), undefined, ip)
  })

  it('says when the file was made', () => {
    assert.ok(places.builtAt > Date.UTC(2020, 0) && places.builtAt < Date.UTC(2040, 0))
  })

  it('says nothing of IPv6 by a file of IPv4', () => {
    assert.equal(read(IPV4_ALONE).find('2001:67c:2e8::1'), undefined)
  })
})

describe('places by the forms of MaxMind and IPinfo', () => {
  const places = readPlaces(readFileSync(join(import.meta.dirname, 'places.fixture.mmdb')))

  it('are read alike', () => {
    assert.deepEqual(places.find('192.0.2.7'), {
      country: 'NZ',
      continent: 'OC',
      subdivision: 'AUK',
      city: 'Auckland',
    })
    assert.deepEqual(places.find('198.51.100.1'), { country: 'DE', continent: 'EU' })
    assert.deepEqual(places.find('2001:db8:1::5'), { country: 'FR', continent: 'EU', asn: 64500 })
    assert.deepEqual(places.find('203.0.113.9'), { asn: 64501 })
    assert.equal(places.find('192.0.2.200'), undefined)
  })
})

describe('places', () => {
  it('of several files complete one another, the first winning', () => {
    const first = table({ '192.0.2.1': { country: 'NZ', city: 'Nelson' } })
    const second = table({ '192.0.2.1': { country: 'AU', asn: 64500 }, '192.0.2.2': { asn: 64501 } })
    assert.deepEqual(findPlace([first, second], '192.0.2.1'), { country: 'NZ', city: 'Nelson', asn: 64500 })
    assert.deepEqual(findPlace([first, second], '192.0.2.2'), { asn: 64501 })
    assert.equal(findPlace([first, second], '192.0.2.3'), undefined)
  })

  it('are refused for bytes that are no such file', () => {
    assert.throws(() => readPlaces(Buffer.from('not a database')))
    assert.throws(() => readPlaces(Buffer.alloc(0)))
  })
})
