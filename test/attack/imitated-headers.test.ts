/**
 * Headers that a route sets or takes off itself, imitated by a client with other separators. Real servers
 * tell which variables they have made of what came.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { request } from '../harness/http-client.ts'
import { skipWithout } from '../harness/parts.ts'
import { findPathServers, startPythonServer } from '../harness/path-servers.ts'
import { STAFF_ONLY, startStack } from '../harness/stack.ts'

const MARK = 'forged-by-the-client'
const KINDS = ['flask', 'django'] as const

const ROUTE_HEADERS = {
  'X-App-Key': 'own-app-key',
  X_Other_Key: 'own-other-key',
  'X-Mixed_Key': 'own-mixed-key',
}
const REMOVED = ['X_Debug', 'X-Trace-It']
const CLAIMS = { 'X-User-Mail': 'email', X_User_Name: 'name', 'X-User_Sub': 'sub' }
const OWN = [...Object.keys(ROUTE_HEADERS), ...REMOVED, ...Object.keys(CLAIMS), 'X_Id_Token']

/** The same name with `-` or `_` between its words, in each way. */
function spellingsOf(name: string): readonly string[] {
  const [first = '', ...rest] = name.split(/[-_]/)
  let made = [first]
  for (const word of rest) made = made.flatMap((start) => [`${start}-${word}`, `${start}_${word}`])
  return made
}

const variableOf = (name: string): string => `HTTP_${name.toUpperCase().replaceAll('-', '_')}`

const { python } = await findPathServers()
const skip = skipWithout(python)

describe('a header of the route that a client imitates', skip, async () => {
  if (skip.skip !== undefined) return
  const stop = new AsyncDisposableStack()
  after(() => stop.disposeAsync())
  const urls: string[] = []
  for (const kind of KINDS) urls.push(stop.use(await startPythonServer(kind)).url)
  const idToken = { header: 'X_Id_Token', token: 'id_token' }

  for (const action of ['drop_header', 'allow'] as const) {
    const stack = stop.use(
      await startStack({
        hosts: [...KINDS],
        settings: { jwt_claims_headers: CLAIMS, headers_with_underscores_action: action },
        routes: ({ url }) =>
          KINDS.map((kind, index) => ({
            from: url(kind, ''),
            to: urls[index],
            ...STAFF_ONLY,
            set_request_headers: ROUTE_HEADERS,
            remove_request_headers: REMOVED,
            pass_idp_token: idToken,
          })) as never,
      }),
    )
    const agent = stack.agent()
    const seenBy = async (kind: string, version: '1.1' | '2', names: readonly string[]) => {
      const url = new URL(stack.url(kind, '/.headers'))
      const cookie = agent.jar.header(url) ?? ''
      const headers = Object.fromEntries(names.map((name) => [name, MARK]))
      const answer = await request({ url, version, ca: stack.ca.cert, headers: { cookie, ...headers } })
      assert.equal(answer.status, 200, answer.text)
      return answer.json<Record<string, string>>()
    }

    for (const kind of KINDS) {
      it(`does not reach ${kind} while headers with underscores are: ${action}`, async () => {
        await stack.signIn(agent, stack.url(kind, '/'))
        for (const version of ['1.1', '2'] as const) {
          const honest = await seenBy(kind, version, ['x-of-the-client'])
          assert.equal(honest['HTTP_X_OF_THE_CLIENT'], MARK)
          const shown = OWN.filter((name) => honest[variableOf(name)] !== undefined)
          assert.ok(shown.includes('X-App-Key') && shown.includes('X-User-Mail'), shown.join())
          for (const name of OWN)
            for (const spelling of spellingsOf(name)) {
              const seen = await seenBy(kind, version, [spelling, 'x-of-the-client'])
              const variable = variableOf(name)
              assert.equal(seen['HTTP_X_OF_THE_CLIENT'], MARK)
              assert.equal(seen[variable], honest[variable], `HTTP/${version} ${spelling}`)
            }
        }
      })
    }
  }
})
