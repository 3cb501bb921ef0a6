import assert from 'node:assert/strict'
import { it } from 'node:test'
import { format, inspect } from 'node:util'
import { Secret } from './secret.ts'

it('a secret shows itself to nobody who does not ask for it by name', () => {
  const secret = Secret.of('hunter2')
  const shown = [
    ['', secret].join(''),
    String(secret),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    format('%s %o %j', secret, secret, secret),
  ]
  for (const text of shown) assert.ok(!text.includes('hunter2'), text)
  assert.equal(secret.reveal(), 'hunter2')
  assert.ok(secret.equals(Secret.of('hunter2')))
  assert.ok(!secret.equals(Secret.of('hunter3')))
})
