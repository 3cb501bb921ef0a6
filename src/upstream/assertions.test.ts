import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ALICE, BOB, configOf, SIGNING_KEYS, STAFF_ROUTE } from '../extauthz/authorizer.fixture.ts'
import { RouteTable } from '../extauthz/routes.ts'
import { policyOf } from '../policy/compiled-policies.ts'
import type { Session } from '../session/session.ts'
import { createLogger } from '../telemetry/log.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { Assertions } from './assertions.ts'
import { HeaderBudget } from './header-budget.ts'
import { IdentityTerms } from './identity-headers.ts'

/** Asks for an assertion, and answers when it was minted. */
function minter(most: number) {
  const config = configOf([{ ...STAFF_ROUTE, pass_identity_headers: true }])
  const table = new RouteTable(config, { policyOf, idpIdsFor: () => [], now: () => 0 })
  const route = table.find(config.routes[0]?.id ?? '')
  assert.ok(route !== undefined)
  const terms = new IdentityTerms(route)
  const { logger } = createLogger({ level: 'error', destination: { write: () => undefined } })
  const budget = new HeaderBudget(createMetrics().meter, logger)
  const assertions = new Assertions(SIGNING_KEYS, budget, most)
  return (host: string, session: Session | undefined, now: number) =>
    assertions.for(terms, host, session, now).mintedAt
}

describe('an assertion', () => {
  it('is shown again for less than a minute, to the same session of the same version, on the same host', () => {
    const mintedAt = minter(10)
    assert.equal(mintedAt('a', ALICE, 1), 1)
    assert.equal(mintedAt('a', ALICE, 60_000), 1)
    assert.equal(mintedAt('b', ALICE, 60_000), 60_000)
    assert.equal(mintedAt('a', BOB, 60_000), 60_000)
    assert.equal(mintedAt('a', { ...ALICE, version: ALICE.version + 1 }, 60_000), 60_000)
    assert.equal(mintedAt('b', ALICE, 120_000), 120_000)
    assert.equal(mintedAt('b', ALICE, 119_999), 119_999, 'the clock was set back')
  })

  it('makes room for others: all of the session that was met first go, and no more', () => {
    const mintedAt = minter(3)
    mintedAt('a', ALICE, 1)
    mintedAt('b', ALICE, 1)
    mintedAt('a', undefined, 1)
    mintedAt('a', BOB, 2)
    assert.equal(mintedAt('a', undefined, 3), 1)
    assert.equal(mintedAt('a', ALICE, 3), 3)
    assert.equal(mintedAt('b', ALICE, 3), 3)
  })
})
