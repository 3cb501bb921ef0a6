/**
 * The golden cases: `cases/<name>.yaml` is a configuration, `cases/<name>.json` what Envoy gets for it.
 *
 * To keep each file about its own topic, it shows only what the case adds to an empty configuration;
 * `first-route.json` shows everything.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { createClientAuthority } from '../../src/config/client-authority.fixture.ts'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import type { Snapshot } from '../../src/xds/ads/resource.ts'
import { shortNameOf } from '../../src/xds/ads/resource.ts'
import { buildSnapshot } from '../../src/xds/resources/snapshot.ts'
import { createTestCa, type KeyPair } from '../harness/test-ca.ts'
import { tlsCertificateOf } from './edge.ts'

const CASES = join(import.meta.dirname, 'cases')

export const CASE_NAMES: readonly string[] = readdirSync(CASES)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length))

/** The case that is shown whole. */
const WHOLE = 'first-route'

const EMPTY = 'address: 127.0.0.1:8443\nroutes: []\n'

export const caseText = (name: string): string => readFileSync(join(CASES, `${name}.yaml`), 'utf8')
export const goldenPath = (name: string): string => join(CASES, `${name}.json`)

export interface Keys {
  readonly ca: string
  readonly server: readonly [KeyPair, KeyPair]
  readonly client: KeyPair
  /** Whose client certificates are accepted, and their revocation list. */
  readonly clients: { readonly ca: string; readonly crl: string }
}

/** Made anew in each run, so that no private key lies in the repository. */
export async function makeKeys(): Promise<Keys> {
  const ca = await createTestCa()
  const clients = await createClientAuthority()
  return {
    ca: ca.cert,
    server: [
      await ca.issue({ names: ['app.example.com'] }),
      await ca.issue({ names: ['other.example.com'] }),
    ],
    client: await ca.issue({ names: ['sallyport'], client: true }),
    clients: { ca: clients.cert, crl: await clients.revocationList([]) },
  }
}

export const certificatesOf = (name: string, keys: Keys): readonly KeyPair[] =>
  name === 'two-certificates' ? keys.server : [keys.server[0]]

export function parseCase(text: string, keys: Keys, generation = 1): Config {
  const env = {
    UPSTREAM_CA: keys.ca,
    CLIENT_CERT: keys.client.cert,
    CLIENT_KEY: keys.client.key,
    CLIENTS_CA: keys.clients.ca,
    CLIENTS_CRL: keys.clients.crl,
  }
  const parsed = parseConfig(text, { env, generation })
  if ('config' in parsed) return parsed.config
  throw new Error(parsed.problems.map(({ line, message }) => `${line}: ${message}`).join('\n'))
}

export function snapshotOf(name: string, config: Config, keys: Keys): Snapshot {
  return buildSnapshot(config, {
    certificates: certificatesOf(name, keys).map(tlsCertificateOf),
    trustedRoots: keys.ca,
  })
}

/** Type → name → resource in Envoy's JSON form, with keys and certificates by name only. */
function readable(snapshot: Snapshot, keys: Keys): Record<string, Record<string, unknown>> {
  const words = new Map([
    [keys.ca, 'root certificate'],
    [keys.client.cert, 'client certificate'],
    [keys.client.key, 'client key'],
    [keys.clients.ca, 'authority of clients'],
    [keys.clients.crl, 'revocation list of clients'],
    ...keys.server.flatMap(({ cert, key }, index): [string, string][] => [
      [cert, `server certificate ${index + 1}`],
      [key, `server key ${index + 1}`],
    ]),
  ])
  const shown = (value: unknown): unknown => {
    const word =
      typeof value === 'string' ? [...words].find(([pem]) => pem.trim() === value.trim())?.[1] : undefined
    return word === undefined ? value : `(${word})`
  }
  return Object.fromEntries(
    [...snapshot.resources].map(([typeUrl, resources]) => [
      shortNameOf(typeUrl),
      JSON.parse(
        JSON.stringify(
          Object.fromEntries([...resources].map(([key, { json }]) => [key, json])),
          (_key, value) => shown(value),
        ),
      ) as Record<string, unknown>,
    ]),
  )
}

/** What the golden file of a case shows. */
export function goldenOf(name: string, keys: Keys): Record<string, Record<string, unknown>> {
  const all = readable(snapshotOf(name, parseCase(caseText(name), keys), keys), keys)
  if (name === WHOLE) return all
  const empty = readable(snapshotOf('empty', parseCase(EMPTY, keys), keys), keys)
  return Object.fromEntries(
    Object.entries(all).flatMap(([type, resources]) => {
      const added = Object.entries(resources).filter(
        ([key, json]) => !isDeepStrictEqual(json, empty[type]?.[key]),
      )
      return added.length === 0 ? [] : [[type, Object.fromEntries(added)]]
    }),
  )
}

const WIDTH = 110

/** JSON with one line for what fits on one: a resource is then read at a glance. */
export function compactJson(value: unknown, indent = ''): string {
  const line = JSON.stringify(value)
  if (indent.length + line.length <= WIDTH || typeof value !== 'object' || value === null) return line
  const inner = `${indent}  `
  const isList = Array.isArray(value)
  const parts = isList
    ? value.map((item: unknown) => compactJson(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${compactJson(item, inner)}`)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`
}
