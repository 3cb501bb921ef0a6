import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ServiceAccounts } from '../../access/credentials/service-account/service-accounts.ts'
import { openServiceAccountToken } from '../../edge/service-account-token.ts'
import { Fault } from '../../errors.ts'
import { openKeyring, openStore } from '../../session/open-state.ts'
import { parseExpiry } from './expiry.ts'
import { type ServiceAccountCommand, serviceAccount } from './service-account.ts'

const folder = mkdtempSync(join(tmpdir(), 'sp-cli-'))
const stop = new AsyncDisposableStack()
after(async () => {
  await stop.disposeAsync()
  rmSync(folder, { recursive: true, force: true })
})
const config = join(folder, 'config.yaml')
writeFileSync(
  config,
  `routes:
  - from: https://app.example.com
    name: app
    to: http://127.0.0.1:1
    allow_any_authenticated_user: true
`,
)

async function run(
  action: ServiceAccountCommand['action'],
  name?: string,
  more: Partial<ServiceAccountCommand> = {},
) {
  const written = { stdout: '', stderr: '' }
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (text: string) => void (written[stream] += text),
  })
  const code = await serviceAccount(
    { config, action, name, ...more },
    { stdout: output('stdout'), stderr: output('stderr'), env: {} },
  )
  return { code, ...written }
}

const usage = (message: RegExp) => (error: unknown) =>
  error instanceof Fault && error.code === 'USAGE' && message.test(error.message)

describe('sallyport service-account', () => {
  it('lists nothing where there is no state yet, and says where it looked', async () => {
    await assert.rejects(run('list'), /\.sallyport: no sessions or accounts are kept there/)
  })

  it('makes no account where no Sallyport has run, nor for a route that there is not, unless it is told to', async () => {
    await assert.rejects(
      run('create', 'early'),
      /no Sallyport has run with this folder[^]*--state-dir[^]*--force/,
    )
    const other = { 'state-dir': join(folder, 'other') }
    assert.match(
      (await run('create', 'early', { ...other, force: true })).stderr,
      /no Sallyport runs with that folder now/,
    )
    await assert.rejects(run('create', 'next', { ...other, route: ['ap'] }), usage(/named "ap"[^]*--force/))
    assert.doesNotMatch((await run('list', undefined, other)).stdout, /next/)
    // from here on as if one ran
    const keys = openKeyring(
      { shared_secret: undefined, cookie_secret: undefined },
      join(folder, '.sallyport'),
    )
    const running = await openStore(join(folder, '.sallyport'), keys)
    stop.use(running)
  })

  it('prints the token of a new account alone, so that it can be piped, and says the rest to the terminal', async () => {
    const { code, stdout, stderr } = await run('create', 'deploy', {
      groups: 'ci, deployers,ci',
      expires: '90d',
      route: ['app'],
    })
    assert.equal(code, 0)
    assert.match(stderr, /shown once/)
    assert.doesNotMatch(stderr, /Warning/)
    const stateDir = join(folder, '.sallyport')
    const keys = openKeyring({ shared_secret: undefined, cookie_secret: undefined }, stateDir)
    const id = openServiceAccountToken(stdout.trim(), keys.serviceAccount)
    await using store = await openStore(stateDir, keys)
    using accounts = new ServiceAccounts(store.records)
    const account = await accounts.find(id ?? '')
    assert.equal(account?.session.kind, 'service-account')
    assert.equal(account?.session.userId, 'service-account/deploy')
    assert.deepEqual(account?.session.groups, ['ci', 'deployers'])
    assert.deepEqual(account?.routes, ['app'])
  })

  it('keeps no token: neither the database nor any list has it', async () => {
    const { stdout } = await run('create', 'leaky', { expires: '1h' })
    const [, , mac = ''] = stdout.trim().split('.')
    for (const file of ['sallyport.db', 'sallyport.db-wal']) {
      const path = join(folder, '.sallyport', file)
      const bytes = ((): string => {
        try {
          return readFileSync(path, 'latin1')
        } catch {
          return ''
        }
      })()
      assert.ok(!bytes.includes(mac), file)
    }
    for (const [action, name] of [['list'], ['show', 'leaky']] as const)
      assert.ok(!(await run(action, name, { json: true })).stdout.includes(mac))
  })

  it('warns of an account without an end, and of a route that there is not', async () => {
    const { stderr } = await run('create', 'eternal', {
      route: ['wiki', 'app.example.com'],
      force: true,
    })
    assert.match(stderr, /Warning: it has no end/)
    assert.match(stderr, /Warning: no route of the configuration is named "wiki"/)
    assert.doesNotMatch(stderr, /"app\.example\.com"/)
  })

  it('lists accounts for people and for programs', async () => {
    const { stdout } = await run('list')
    assert.match(stdout, /^NAME +ID +USER +EXPIRES +LAST USED\n/)
    assert.match(stdout, /^deploy +\S{22} +service-account\/deploy +\d{4}-\S+ +never$/m)
    const listed: unknown = JSON.parse((await run('list', undefined, { json: true })).stdout)
    assert.ok(Array.isArray(listed))
    assert.deepEqual(
      listed.map(({ name }: { name: string }) => name),
      ['deploy', 'eternal', 'leaky'],
    )
    assert.match((await run('show', 'deploy')).stdout, /^groups: ci, deployers$/m)
  })

  it('does not let a description steer the terminal', async () => {
    await run('create', 'painted', { description: '\u001b[31mred\u001b[0m\nname: other', expires: '1h' })
    assert.match((await run('show', 'painted')).stdout, /^description: red name: other$/m)
  })

  it('revokes by name or id, once, and the name is free again', async () => {
    assert.equal((await run('create', 'deploy')).code, 1)
    assert.equal((await run('revoke', 'deploy')).code, 0)
    const again = await run('revoke', 'deploy')
    assert.deepEqual([again.code, again.stdout], [1, ''])
    assert.equal((await run('create', 'deploy', { expires: '1h' })).code, 0)
    const { stdout } = await run('show', 'deploy', { json: true })
    const { id }: { id: string } = JSON.parse(stdout)
    assert.equal((await run('revoke', id)).code, 0)
    assert.equal((await run('show', 'deploy')).code, 1)
  })

  const MISUSES: readonly (readonly [Parameters<typeof run>, RegExp])[] = [
    [['create'], /needs a name/],
    [['list', 'deploy'], /does not take "deploy"/],
    [['create', 'With Space'], /a name has at most 64/],
    [['create', '-x'], /a name has at most 64/],
    [['revoke', 'deploy', { groups: 'a' }], /has no --groups/],
    [['create', 'x', { expires: 'tomorrow' }], /--expires is a time from now/],
  ]
  for (const [args, message] of MISUSES) {
    it(`refuses ${JSON.stringify(args)}`, async () => {
      await assert.rejects(run(...args), usage(message))
    })
  }
})

describe('an expiry', () => {
  const NOW = Date.UTC(2026, 0, 1)
  const DAY = 86_400_000
  for (const [text, time] of [
    ['90d', NOW + 90 * DAY],
    ['12h', NOW + DAY / 2],
    ['1h30m', NOW + 5_400_000],
    ['2026-01-31', NOW + 31 * DAY],
    ['2026-01-31T12:00:00+02:00', Date.UTC(2026, 0, 31, 10)],
  ] as const) {
    it(`may be ${text}`, () => assert.equal(parseExpiry(text, NOW), time))
  }
  for (const text of [
    '',
    '0',
    '0s',
    '0d',
    '-1d',
    '90',
    '2026-02-31x',
    '2026-13-01',
    '99999999d',
    'never',
    '2026-01-31T12:00',
  ])
    it(`may not be "${text}"`, () => assert.throws(() => parseExpiry(text, NOW), usage(/--expires/)))
})
