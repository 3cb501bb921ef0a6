import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { loadConfig } from '../../config/file/load.ts'
import { Fault } from '../../errors.ts'
import { openKeyring, openStore } from '../../session/open-state.ts'
import { type SessionCommand, session } from './session.ts'

const folder = mkdtempSync(join(tmpdir(), 'sp-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const config = join(folder, 'config.yaml')
writeFileSync(config, 'routes: []\n')
const stateDir = join(folder, '.sallyport')

const sessionOf = (id: string, login: string, expiresAt = Date.now() + 3_600_000) => ({
  id: id.padEnd(22, '0'),
  idpId: 'default',
  userId: login,
  email: `${login}@example.com`,
  name: login,
  claims: {},
  groups: ['staff'],
  issuedAt: Date.now() - 1000,
  expiresAt,
  tokens: {
    accessToken: 'planted-token',
    accessTokenExpiresAt: undefined,
    refreshToken: undefined,
    idToken: undefined,
    idTokenExpiresAt: undefined,
  },
})

async function run(action: SessionCommand['action'], more: Partial<SessionCommand> = {}) {
  const written = { stdout: '', stderr: '' }
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (text: string) => void (written[stream] += text),
  })
  const code = await session(
    { config, action, id: undefined, ...more },
    { stdout: output('stdout'), stderr: output('stderr'), env: {} },
  )
  return { code, ...written }
}

const usersOf = async () =>
  (JSON.parse((await run('list', { json: true })).stdout) as { user_id: string }[])
    .map(({ user_id }) => user_id)
    .toSorted()

describe('sallyport session', () => {
  it('says where nothing is kept', async () => {
    await assert.rejects(run('list'), /no sessions or accounts are kept there/)
  })

  describe('of people who are signed in', () => {
    before(async () => {
      await using store = await openStore(
        stateDir,
        openKeyring(loadConfig(config, { env: {} }).settings, stateDir),
      )
      for (const one of [
        sessionOf('aaaaaa1', 'alice'),
        sessionOf('aaaaaa2', 'alice'),
        sessionOf('bbbbbb1', 'bob'),
        sessionOf('cccccc1', 'carol'),
        sessionOf('dddddd1', 'dave', Date.now() - 1),
      ])
        await store.save(one)
    })

    it('lists them, all or those of one, without tokens', async () => {
      const { stdout } = await run('list')
      assert.match(stdout, /^ID +USER +EMAIL +SINCE +UNTIL\n/)
      assert.equal(stdout.split('\n').length, 6)
      assert.deepEqual(await usersOf(), ['alice', 'alice', 'bob', 'carol'])
      const hers = await run('list', { user: 'ALICE@example.com', json: true })
      assert.equal((JSON.parse(hers.stdout) as object[]).length, 2)
      assert.doesNotMatch(hers.stdout + stdout, /planted/)
    })

    it('shows one by the beginning of its id, unless that is of several', async () => {
      const { stdout } = await run('show', { id: 'bbbbbb' })
      assert.match(stdout, /^user_id: bob$/m)
      assert.doesNotMatch(stdout, /planted/)
      await assert.rejects(run('show', { id: 'aaaaaa' }), /begins the ids of 2 sessions/)
      assert.equal((await run('show', { id: 'bbb' })).code, 1)
    })

    it('ends one, those of one, or all, and says so', async () => {
      assert.match((await run('end', { id: 'bbbbbb1' })).stderr, /^1 session ended/)
      assert.deepEqual(await usersOf(), ['alice', 'alice', 'carol'])
      assert.match((await run('end', { user: 'alice' })).stderr, /^2 sessions ended/)
      assert.deepEqual(await usersOf(), ['carol'])
      const nobody = await run('end', { user: 'alice' })
      assert.deepEqual([nobody.code, /no session of "alice"/.test(nobody.stderr)], [1, true])
      assert.equal((await run('end', { all: true })).code, 0)
      assert.match((await run('list')).stderr, /Nobody is signed in/)
    })

    it('ends nothing when it is not said of whom, or twice', async () => {
      for (const more of [{}, { id: 'x', all: true }, { user: 'alice', all: true }])
        await assert.rejects(run('end', more), (error) => error instanceof Fault && error.code === 'USAGE')
      await assert.rejects(run('list', { all: true }), /session list has no --all/)
      await assert.rejects(run('list', { id: 'x' }), /does not take "x"/)
    })
  })
})
