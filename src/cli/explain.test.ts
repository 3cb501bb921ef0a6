import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { explain } from './explain.ts'

const folder = mkdtempSync(join(tmpdir(), 'explain-'))
after(() => rmSync(folder, { recursive: true }))
const config = join(folder, 'config.yaml')
writeFileSync(
  config,
  `authenticate_service_url: https://authenticate.example.com
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: a
idp_client_secret: planted-secret
routes:
  - from: https://reports.example.com
    to: http://reports
    allow_any_authenticated_user: true
    upstream_token: { grant: token_exchange, audience: reports }
    pass_idp_token: { token: id_token, header: X-Id-Token }
`,
)

async function explained(as: string) {
  let text = ''
  const out = { write: (chunk: string) => (text += chunk) }
  const code = await explain(
    { what: 'https://reports.example.com/', config, as },
    { env: {}, stdout: out, stderr: out },
  )
  return { code, text }
}

describe('sallyport explain', () => {
  it('names tokens that an app must be given, and does not claim that they are to be had', async () => {
    const { code, text } = await explained('alice@example.com')
    assert.equal(code, 0)
    assert.match(
      text,
      /also +a token for reports by token_exchange \(upstream_token\): whether one is given can not be told here/,
    )
    assert.match(text, /also +the id_token of the user, which must be good/)
    assert.doesNotMatch(text, /planted/)
  })
})
