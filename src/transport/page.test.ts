import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { html } from './html.ts'
import { actionBar, factList, PAGE_HEADERS, renderPage } from './page.ts'

const page = renderPage({
  title: '<t>',
  heading: 'No "entry"',
  body: [
    factList([
      ['Who', '<b>'],
      ['Empty', undefined],
    ]),
    actionBar([{ label: 'Out', href: '/x', post: { a: '"' } }]),
  ],
  requestId: '<id>',
})

describe('renderPage', () => {
  it('escapes title, heading, values and decision id', () => {
    for (const text of [
      '<title>&lt;t&gt;',
      'No &quot;entry&quot;',
      '<dd dir="auto">&lt;b&gt;</dd>',
      'value="&quot;"',
      '&lt;id&gt;',
    ]) {
      assert.ok(page.includes(text), text)
    }
  })
  it('names its language and a viewport, and leaves out rows without value', () => {
    assert.match(page, /<html lang="en">/)
    assert.match(page, /name="viewport"/)
    assert.doesNotMatch(page, /Empty/)
  })
  it('has a style sheet whose hash the policy names, no script and no outside resource', () => {
    const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    assert.ok(PAGE_HEADERS['content-security-policy'].includes(`'sha256-${hash}'`))
    assert.doesNotMatch(page, /<script|style="|\son[a-z]+=|url\(|https?:\/\/(?!www\.w3\.org)/)
  })
  it('prints an action whose target runs code as a link to nowhere', () => {
    assert.match(String(actionBar([{ label: 'x', href: 'javascript:alert(1)' }])), /href="#"/)
  })
  it('takes a body of several parts', () => {
    assert.match(
      renderPage({ title: 'x', heading: 'x', body: [html`<p>1</p>`, html`<p>2</p>`] }),
      /<p>1<\/p><p>2<\/p>/,
    )
  })
})
