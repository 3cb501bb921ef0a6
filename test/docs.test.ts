/**
 * What the pages for people say is true: links lead somewhere, commands exist, configurations are valid,
 * examples of policies decide as their tables say.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { CHECKS_AND_TESTS } from '../src/access/config-checks.ts'
import { DEFAULT_ACCESS_LOG_FIELDS } from '../src/config/keys/log-fields.ts'
import { parseConfig } from '../src/config/parse.ts'
import { openSigningKeys } from '../src/crypto/signing-keys.ts'
import { FAULT_CODES } from '../src/errors.ts'
import { assertionClaims } from '../src/upstream/assertion.ts'
import { sallyportCli } from './harness/sallyport.ts'
import { bookishPhrases, longSentences } from './plain-english.ts'

const ROOT = join(import.meta.dirname, '..')
/** What Apple gives for signing in with it. */
const APPLE_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
})
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const PAGES = globSync(['*.md', '{docs,envoy,examples,bench,proto,src}/**/*.md'], { cwd: ROOT }).toSorted()

interface Fence {
  readonly page: string
  /** What stands behind the three backticks. */
  readonly info: string
  readonly text: string
  /** What follows, up to the next fence. */
  readonly after: string
}

const fences: readonly Fence[] = PAGES.flatMap((page) =>
  [...read(page).matchAll(/^( *)```([a-z][^\n]*)?\n([\s\S]*?)^\1```$/gm)].map((match) => {
    const [whole, indent = '', info = '', text = ''] = match
    const rest = read(page).slice(match.index + whole.length)
    return {
      page,
      info,
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      after: rest.split('```')[0] ?? '',
    }
  }),
)

/** The anchor that GitHub gives to a heading. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

/** @param link from the root: a file, perhaps with the anchor of a heading */
function leadsSomewhere(link: string): boolean {
  const [path = '', anchor] = link.split('#')
  if (!existsSync(join(ROOT, path))) return false
  return (
    anchor === undefined ||
    [...read(path).matchAll(/^#+ (.*)$/gm)].some(([, heading = '']) => slug(heading) === anchor)
  )
}

/** What a list of routes stands in. */
const AROUND_ROUTES = `authenticate_service_url: https://authenticate.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: client
idp_client_secret: secret
`

describe('the pages', () => {
  it('were found', () => {
    assert.ok(PAGES.length > 20, PAGES.join())
    assert.ok(fences.length > 15)
  })

  it('link to files and headings that exist', () => {
    const broken = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].flatMap(([, link = '']) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : join(dirname(page), path)
        return leadsSomewhere(anchor === undefined ? target : `${target}#${anchor}`)
          ? []
          : [`${page}: ${link}`]
      }),
    )
    assert.deepEqual(broken, [])
  })

  it('are there, with their headings, where a message of the program leads to them', () => {
    const links = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((file) =>
      [...read(file).matchAll(/(?<![\w/])docs\/[\w/-]+\.md(?:#[\w-]+)?/g)].map(([link]) => ({ file, link })),
    )
    assert.ok(links.length > 15)
    assert.deepEqual(
      links.filter(({ link }) => !leadsSomewhere(link)),
      [],
    )
  })

  it('name source files that exist', () => {
    const named = PAGES.filter((page) => page !== 'CHANGELOG.md').flatMap((page) =>
      [...read(page).matchAll(/`((?:src|test|envoy|scripts|bench|proto)\/[\w./-]+\.ts)`/g)].map(
        ([, path = '']) => ({ page, path }),
      ),
    )
    assert.ok(named.length > 20)
    const lost = named.filter(({ path }) => !existsSync(join(ROOT, path)))
    assert.deepEqual(lost, [])
  })

  it('name npm scripts and commands that exist', async () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const { stdout } = await sallyportCli(['--help'])
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name = '']) => name)
    const unknown = PAGES.flatMap((page) => {
      const text = read(page)
      const npm = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name)
      const ours = [...text.matchAll(/(?:npx |`)sallyport ([a-z]\w*)/g)].map(([, name = '']) => name)
      return [
        ...npm.filter((name) => !Object.hasOwn(scripts, name)),
        ...ours.filter((name) => !commands.includes(name)),
      ].map((name) => `${page}: ${name}`)
    })
    assert.deepEqual(unknown, [])
  })

  for (const { page, info, text } of fences) {
    if (info !== 'yaml') continue
    it(`has a valid configuration in ${page}: ${text.split('\n').find((line) => !line.startsWith('#'))}`, () => {
      const value: unknown = parse(text)
      const whole = Array.isArray(value) ? `${AROUND_ROUTES}routes:\n${text.replaceAll(/^/gm, '  ')}` : text
      const result = parseConfig(whole, {
        file: page,
        readFile: (path) => (path.endsWith('.p8') ? APPLE_KEY : 'text'),
        env: Object.fromEntries(
          [...whole.matchAll(/\benv:(\w+)/g)].map(([, name = '']) => [name, `value-of-${name}`]),
        ),
        generation: 1,
        ...CHECKS_AND_TESTS,
      })
      assert.deepEqual('problems' in result ? result.problems : [], [])
    })
  }

  it('name the schema in each example', () => {
    const configs = globSync('examples/**/config.yaml', { cwd: ROOT })
    assert.ok(configs.length >= 3)
    for (const config of configs) {
      const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(config))?.[1] ?? 'none'
      assert.ok(existsSync(join(ROOT, dirname(config), schema)), config)
    }
  })
})

describe('CONTRIBUTING.md', () => {
  it('names files that are there', () => {
    const named = [...read('CONTRIBUTING.md').matchAll(/`((?:src|test|docs|scripts|examples)\/[\w*./-]+)`/g)]
    const paths = named.map(([, path = '']) => path)
    assert.ok(paths.length > 40, String(paths.length))
    assert.deepEqual(
      paths.filter((path) => globSync(path.replace(/\/$/, ''), { cwd: ROOT }).length === 0),
      [],
    )
  })
})

describe('docs/troubleshooting.md', () => {
  const page = read('docs/troubleshooting.md')
  const sources = globSync('src/{extauthz,xds,transport,upstream}/**/*.ts', {
    cwd: ROOT,
    exclude: ['**/*.test.ts'],
  })
  const headings = new Set(
    sources.flatMap((file) =>
      [...read(file).matchAll(/heading: '([^']+)'/g)].map(([, heading = '']) => heading),
    ),
  )

  it('quotes headings that pages really have', () => {
    const section = page.split('\n## ').find((part) => part.startsWith('What a page says')) ?? ''
    const quoted = [...section.matchAll(/\*\*([^*]+)\*\*/g)].map(([, heading = '']) => heading)
    assert.ok(quoted.length > 30)
    assert.deepEqual(
      quoted.filter((heading) => !headings.has(heading)),
      [],
    )
  })

  it('has each heading of what Envoy answers by itself', () => {
    const replies = read('src/xds/resources/listeners/local-reply-texts.ts')
    const told = [...replies.matchAll(/heading: '([^']+)'/g)].map(([, heading = '']) => heading)
    assert.ok(told.length > 10)
    const rare = ['Something went wrong', 'Another version of HTTP is needed', 'Too much at once']
    assert.deepEqual(
      told.filter((heading) => !rare.includes(heading) && !page.includes(`**${heading}**`)),
      [],
    )
  })

  it('names fault codes that exist', () => {
    const codes = [...page.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code = '']) => code)
    assert.ok(codes.length > 10)
    assert.deepEqual(
      codes.filter((code) => !FAULT_CODES.some((known) => known === code)),
      [],
    )
  })
})

describe('the guides for apps', () => {
  it('show the routes and settings of the examples that are run', () => {
    const folders = globSync('examples/apps/*', { cwd: ROOT })
    assert.ok(folders.length >= 8)
    for (const folder of folders) {
      const page = `docs/apps/${basename(folder)}.md`
      const files = globSync(`${folder}/*.{yaml,ini}`, { cwd: ROOT }).map(read)
      const shown = fences.filter((fence) => fence.page === page && /^(?:yaml|ini)$/.test(fence.info))
      assert.ok(shown.length > 0, page)
      for (const { text } of shown)
        assert.ok(
          files.some((file) => file.includes(text) || file.includes(text.replaceAll(/^(?=.)/gm, '  '))),
          `${page}: ${text}`,
        )
    }
  })
})

describe('pages and messages', () => {
  it('have no sentence of more than 25 words', () => {
    assert.deepEqual(longSentences(), [])
  })

  it('have no words that readers neither use nor search for', () => {
    assert.deepEqual(bookishPhrases(), [])
  })
})

describe('docs/operations.md', () => {
  const page = read('docs/operations.md')

  it('names each metric', () => {
    const sources = globSync('src/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] })
      .map(read)
      .join('\n')
    const names = [...new Set([...sources.matchAll(/'(sallyport_[a-z_]+)'/g)].map(([, name = '']) => name))]
    assert.ok(names.length >= 10)
    const documented = page.replace(
      '`…_resources_total`, `…_bytes_total`',
      'sallyport_xds_resources_total sallyport_xds_bytes_total',
    )
    assert.deepEqual(
      names.filter((name) => !documented.includes(name)),
      [],
    )
  })

  it('leads to a page that names each default field of the access log', () => {
    const logs = read('docs/logs.md')
    assert.deepEqual(
      DEFAULT_ACCESS_LOG_FIELDS.filter((field) => !logs.includes(`\`${field}\``)),
      [],
    )
  })
})

describe('docs/upstreams.md', () => {
  it('verifies an assertion in Node as it shows', async () => {
    const keys = openSigningKeys({ derivedFrom: Buffer.alloc(32, 7) })
    const jwks = createServer((_, response) => response.end(JSON.stringify(keys.jwks))).listen(0, '127.0.0.1')
    await once(jwks, 'listening')
    try {
      const { port } = jwks.address() as AddressInfo
      const snippet = fences.find(({ info }) => info === 'js verify')?.text ?? ''
      const runnable = snippet
        .replace("'jose'", `'${import.meta.resolve('jose')}'`)
        .replace('https://${host}', `http://127.0.0.1:${port}`)
      const { userOf } = (await import(`data:text/javascript,${encodeURIComponent(runnable)}`)) as {
        userOf: (request: { headers: Record<string, string> }) => Promise<{ email: string } | undefined>
      }
      const assertionFor = (host: string, session: Parameters<typeof assertionClaims>[0]['session']) =>
        keys.sign(
          assertionClaims({
            host,
            session,
            jwtClaims: [],
            issuerFormat: 'hostOnly',
            nowSeconds: Math.floor(Date.now() / 1000),
            jti: 'j',
            groups: [],
          }),
        )
      const given = (assertion: string) => userOf({ headers: { 'x-pomerium-jwt-assertion': assertion } })
      const alice = { id: 's', userId: 'alice', email: 'a@example.com', name: 'A', claims: {} }

      assert.equal((await given(assertionFor('app.example.com', alice)))?.email, 'a@example.com')
      assert.equal(await given(assertionFor('app.example.com', 'anonymous')), undefined)
      assert.equal(await userOf({ headers: {} }), undefined)
      await assert.rejects(given(assertionFor('other.example.com', alice)), /iss|aud/)
      await assert.rejects(given(`${assertionFor('app.example.com', alice)}A`))
    } finally {
      jwks.close()
    }
  })
})
