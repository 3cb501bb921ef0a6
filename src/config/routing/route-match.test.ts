import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooserOf } from '../../access/config-checks.ts'
import { parseConfig } from '../parse.ts'
import { routesPassedOver } from './routes-passed-over.ts'

const TEXT = `
authenticate_service_url: https://authenticate.example.com
routes:
  - { name: admin, from: 'https://app.example.com', prefix: /admin/, to: 'http://a' }
  - { name: all, from: 'https://app.example.com', to: 'http://b' }
  - { name: never, from: 'https://app.example.com', path: /late, to: 'http://c' }
  - { name: port, from: 'https://app.example.com:8443', to: 'http://d' }
  - { name: wild, from: 'https://*.example.com', to: 'http://e' }
  - { name: challenges, from: 'https://authenticate.example.com', prefix: /.well-known/acme-challenge/, to: 'http://g', allow_public_unauthenticated_access: true }
  - { name: other, from: 'https://other.example.org', to: 'http://f' }
`

function read(text: string) {
  const parsed = parseConfig(text)
  assert.ok('config' in parsed, JSON.stringify(parsed))
  return parsed.config
}

const config = read(TEXT)
const choose = chooserOf(config)
const nameOf = (authority: string, path: string) => {
  const choice = choose({ authority, path })
  return choice.kind === 'route' ? choice.route.name : choice.kind
}

describe('the route that is chosen (what Envoy does with the same is compared in test/golden/route-choice.test.ts)', () => {
  it('is the first of the host whose path matches, in the order of the file', () => {
    assert.equal(nameOf('app.example.com', '/admin/x'), 'admin')
    assert.equal(nameOf('app.example.com', '/admin'), 'all')
    assert.equal(nameOf('app.example.com', '/late'), 'all')
  })

  it('is one of an exact host before any wildcard, and a wildcard for the others', () => {
    assert.equal(nameOf('wiki.example.com', '/'), 'wild')
    assert.equal(nameOf('a.b.example.com', '/'), 'wild')
    assert.equal(nameOf('example.com', '/'), 'none')
  })

  it('is found by the path that is left after dot segments and doubled slashes', () => {
    assert.equal(nameOf('app.example.com', '/x/../admin//y'), 'admin')
    assert.equal(nameOf('app.example.com', '/admin/%2e%2e/late'), 'all')
    assert.equal(nameOf('app.example.com', '/admin%2f..'), 'refused')
  })

  it('is none where Sallyport answers itself', () => {
    assert.equal(nameOf('app.example.com', '/.pomerium/'), 'own')
    assert.equal(nameOf('authenticate.example.com', '/anything'), 'own')
    assert.equal(nameOf('authenticate.example.com', '/.well-known/acme-challenge/../x'), 'own')
    assert.equal(nameOf('nobody.example.org', '/.pomerium/'), 'none')
  })

  it('is the one that answers the challenges of a certificate authority, on the host of the sign-in pages', () => {
    assert.equal(nameOf('authenticate.example.com', '/.well-known/acme-challenge/token'), 'challenges')
  })

  it('is none for a host that could be read in two ways', () => {
    for (const authority of [
      'app.example.com:443.evil.com',
      'app.example.com:',
      'x.example.com:0',
      'a@app.example.com',
    ])
      assert.equal(nameOf(authority, '/'), 'refused')
  })

  it('is none for a tunnel', () => {
    assert.equal(choose({ authority: 'app.example.com', path: '', method: 'CONNECT' }).kind, 'none')
  })
})

const why = (authority: string, path: string) => {
  const request = { authority, path }
  return Object.fromEntries(
    routesPassedOver(config, request, choose(request)).map((each) => [
      each.route.name ?? '',
      `${each.isForHost ? '' : '(other host) '}${each.why}`,
    ]),
  )
}

describe('the routes that are not chosen', () => {
  it('say why, each in its own words', () => {
    assert.deepEqual(why('app.example.com', '/late'), {
      admin: 'prefix /admin/ does not match',
      never: 'the route of line 5 comes first',
      port: 'answers on port 8443 only',
      wild: 'a route with this very host wins over a wildcard',
      challenges: '(other host) answers for authenticate.example.com',
      other: '(other host) answers for other.example.org',
    })
  })

  it('say so when Sallyport or Envoy answers instead', () => {
    assert.equal(why('app.example.com', '/.pomerium/')['all'], 'Sallyport answers this path itself')
    assert.equal(why('app.example.com', '/a%2fb')['all'], 'no route takes this path')
    assert.equal(
      why('authenticate.example.com', '/')['wild'],
      'the host of the sign-in pages takes no wildcard',
    )
  })
})
