import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pullAzure } from './azure.ts'
import { pullGithub } from './github.ts'
import { pullGitlab } from './gitlab.ts'
import { pullOkta } from './okta.ts'
import { common, failure, PlayedApi, type Script, secret, summary } from './played-api.fixture.ts'

type Settings = { readonly url: string }

/** Somebody in each state that a source may tell, and one that no source tells yet. */
const SOURCES: Readonly<
  Record<
    string,
    {
      readonly good: readonly unknown[]
      readonly off: readonly unknown[]
      readonly script: (states: readonly unknown[]) => Script
      readonly pull: (settings: Settings, ports: PlayedApi['ports']) => ReturnType<typeof pullOkta>
    }
  >
> = {
  GitLab: {
    good: ['active'],
    off: [
      'blocked',
      'ldap_blocked',
      'blocked_pending_approval',
      'banned',
      'deactivated',
      'Active',
      '',
      'new',
    ],
    script: (states) => ({
      'GET /api/v4/groups': () => ({ body: [{ id: 1, full_path: 'corp' }] }),
      'GET /api/v4/groups/1/members/all': () => ({ body: states.map((state, id) => ({ id, state })) }),
    }),
    pull: ({ url }, ports) => pullGitlab({ ...common, type: 'gitlab', url, token: secret }, ports),
  },
  Okta: {
    good: ['ACTIVE', 'PASSWORD_EXPIRED', 'RECOVERY', 'LOCKED_OUT'],
    off: ['SUSPENDED', 'DEPROVISIONED', 'STAGED', 'PROVISIONED', 'active', '', 'NEW'],
    script: (states) => ({
      'GET /api/v1/groups': () => ({ body: [{ id: 'g', profile: { name: 'Staff' } }] }),
      'GET /api/v1/groups/g/users': () => ({
        body: states.map((status, id) => ({ id: String(id), status, profile: {} })),
      }),
    }),
    pull: ({ url }, ports) => pullOkta({ ...common, type: 'okta', url, token: secret }, ports),
  },
  'Entra ID': {
    good: [true],
    off: [false, null, undefined],
    script: (states) => ({
      'POST /tenant/oauth2/v2.0/token': () => ({
        body: { token_type: 'Bearer', access_token: 'graph-token' },
      }),
      'GET /v1.0/users': () => ({
        body: { value: states.map((accountEnabled, id) => ({ id: String(id), accountEnabled })) },
      }),
      'GET /v1.0/groups/delta': () => ({ body: { value: [] } }),
    }),
    pull: ({ url }, ports) =>
      pullAzure(
        {
          ...common,
          type: 'azure',
          directory_id: 'tenant',
          client_id: 'app',
          client_secret: secret,
          url,
          login_url: url,
        },
        ports,
      ),
  },
  'GitHub Enterprise Server': {
    good: [undefined, null],
    off: ['2026-01-01T00:00:00Z'],
    script: (states) => ({
      'GET /orgs/corp/members': () => ({
        body: states.map((suspended_at, index) => ({ id: index + 1, suspended_at })),
      }),
      'GET /orgs/corp/teams': () => ({ body: [] }),
    }),
    pull: ({ url }, ports) =>
      pullGithub({ ...common, type: 'github', url, token: secret, organizations: ['corp'] }, ports),
  },
}

describe('states of people that are pulled', () => {
  for (const [name, { good, off, script, pull }] of Object.entries(SOURCES))
    it(`of ${name} are those of somebody who may come in, or of nobody`, async () => {
      await using api = await PlayedApi.start(script([...good, ...off]))
      const people = Object.keys(summary(await pull({ url: api.url }, api.ports)))
      const isOff = people.map((id) => id.startsWith('!'))
      assert.equal(isOff.filter((each) => each).length, off.length, people.join())
      assert.equal(isOff.filter((each) => !each).length, good.length, people.join())
    })

  it('of Entra ID are not guessed where the permission to read them is missing', async () => {
    const { script, pull } = SOURCES['Entra ID'] ?? assert.fail()
    await using api = await PlayedApi.start(script([undefined, null]))
    assert.match((await failure(pull({ url: api.url }, api.ports))).message, /User\.Read\.All/)
  })
})
