import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { atOnce } from '../turns.ts'
import { certificateWarnings, datedCertificates, SOON_MS } from './certificate-dates.ts'
import { type ClientAuthority, createClientAuthority } from './client-authority.fixture.ts'
import type { Config } from './config.ts'
import { parseConfig } from './parse.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 5, 15, 12)
const at = (days: number) => new Date(NOW + days * DAY_MS)

let authority: ClientAuthority
before(async () => {
  authority = await createClientAuthority('Test', { notBefore: at(-900), notAfter: at(900) })
})

async function issued(names: readonly string[], from: number, to: number) {
  return await authority.issue({
    names: names.map((value) => ({ type: 'dns' as const, value })),
    notBefore: at(from),
    notAfter: at(to),
  })
}

function configOf(settings: object, routes: readonly object[] = [{}]): Config {
  const document = {
    ...settings,
    routes: routes.map((route) => ({
      from: 'https://app.example.com',
      to: 'https://127.0.0.1:1',
      allow_public_unauthenticated_access: true,
      ...route,
    })),
  }
  const parsed = parseConfig(JSON.stringify(document), { file: 'config.yaml' })
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

const warned = (config: Config) => atOnce(certificateWarnings(config, NOW))
const served = (...pairs: readonly { readonly cert: string; readonly key: string }[]) => ({
  certificates: pairs.map(({ cert, key }) => ({ cert, key })),
})

describe('the end of a certificate', () => {
  it('is warned of once it has come, and two weeks before, by its name, its day and what then happens', async () => {
    for (const [from, to, words] of [
      [-90, 90, undefined],
      [-90, 15, undefined],
      [
        -90,
        SOON_MS / DAY_MS,
        /^certificates\[0\]: the certificate for app\.example\.com expires in 14 days, on 2026-06-29; then browsers/,
      ],
      [-90, 1.5, /expires in 1 day, on 2026-06-17/],
      [-90, 0.5, /expires in 0 days/],
      [-90, 0, /expired on 2026-06-15, so browsers and programs refuse to connect: put a renewed one/],
      [-90, -30, /expired on 2026-05-16/],
      [2, 90, /valid from 2026-06-17 only/],
    ] as const) {
      const [warning, another] = warned(configOf(served(await issued(['app.example.com'], from, to))))
      assert.equal(another, undefined)
      if (words === undefined) assert.equal(warning, undefined)
      else assert.match(warning ?? '', words)
    }
  })

  it('is that of the first in a chain that ends, and of the last in a bundle of authorities', async () => {
    const [good, old] = [
      await issued(['app.example.com'], -9, 90),
      await issued(['old.example.com'], -90, -1),
    ]
    const chain = { cert: good.cert + old.cert, key: good.key }
    assert.match(warned(configOf(served(chain)))[0] ?? '', /certificates\[0\][^]*expired/)
    assert.deepEqual(warned(configOf({ certificate_authority: good.cert + old.cert })), [])
    assert.match(
      warned(configOf({ certificate_authority: old.cert }))[0] ?? '',
      /^certificate_authority: [^]*expired/,
    )
  })

  it('is looked at wherever a certificate stands, and a text once', async () => {
    const old = await createClientAuthority('Old', { notBefore: at(-90), notAfter: at(-1) })
    const client = await issued(['client.example.com'], -90, -2)
    const keys = {
      tls_custom_ca: old.cert,
      tls_client_cert: client.cert,
      tls_client_key: client.key,
    }
    const config = configOf(
      {
        downstream_mtls: {
          ca: (await createClientAuthority('People', { notBefore: at(-90), notAfter: at(-3) })).cert,
        },
      },
      [keys, { ...keys, from: 'https://wiki.example.com' }],
    )
    assert.deepEqual(
      warned(config).map((warning) => warning.split(':')[0]),
      ['downstream_mtls.ca', 'tls_client_cert of https', 'tls_custom_ca of https'],
    )
    assert.deepEqual(
      atOnce(datedCertificates(config)).map(({ notAfter }) => notAfter),
      [at(-3), at(-2), at(-1)].map(Number),
    )
  })
})

const host = (name: string) => ({ from: `https://${name}` })

describe('hosts that no certificate covers', () => {
  it('are named, with what browsers are shown there', async () => {
    const pair = await issued(['app.example.com', '*.apps.example.com'], -9, 90)
    const config = configOf(served(pair), [
      host('app.example.com'),
      host('a.apps.example.com'),
      host('a.b.apps.example.com'),
      host('wiki.example.org'),
    ])
    assert.match(
      warned(config)[0] ?? '',
      /^certificates: none covers a\.b\.apps\.example\.com, wiki\.example\.org; browsers/,
    )
  })

  it('include the sign-in pages and wildcards, and many are counted', async () => {
    const pair = await issued(['app.example.com'], -9, 90)
    const routes = [
      host('*.x.example.com'),
      ...Array.from({ length: 9 }, (_, index) => host(`h${index}.example.com`)),
    ]
    const [warning] = warned(
      configOf(
        {
          ...served(pair),
          authenticate_service_url: 'https://sso.example.com',
          idp_provider: 'oidc',
          idp_provider_url: 'https://idp.example.com',
          idp_client_id: 'x',
          idp_client_secret: 'y',
        },
        routes,
      ),
    )
    assert.match(
      warning ?? '',
      /none covers sso\.example\.com, \*\.x\.example\.com, h0[^;]*, h2\.example\.com and 6 more;/,
    )
  })

  it('are no matter where the local authority makes all, or somebody else ends TLS', async () => {
    assert.deepEqual(warned(configOf({})), [])
    const pair = await issued(['other.example.com'], -9, 90)
    assert.deepEqual(warned(configOf({ ...served(pair), insecure_server: true })), [])
  })
})
