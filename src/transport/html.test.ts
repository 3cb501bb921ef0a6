import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assert as assertProperty, property, string } from 'fast-check'
import { escapeHtml, html, raw, safeHref } from './html.ts'

describe('html', () => {
  it('escapes every value, in content and in attributes', () => {
    const evil = `"><script>alert('x')</script>&\``
    assert.equal(
      String(html`<a title="${evil}">${evil}</a>`),
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&#96;">' +
        '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&#96;</a>',
    )
  })
  it('keeps markup of inner templates, and prints lists, numbers and nothing', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`)
    assert.equal(
      String(html`<ul>${items}</ul>${3}${undefined}${false}`),
      '<ul><li>a</li><li>&lt;b&gt;</li></ul>3',
    )
  })
  it('never lets text open an element or leave an attribute', () => {
    assertProperty(property(string({ unit: 'binary' }), (text) => !/[<>"'`]/.test(escapeHtml(text))))
  })
  it('takes markup as it stands out of source text alone', () => {
    assert.equal(String(raw`<style>a > b {}</style>`), '<style>a > b {}</style>')
    // @ts-expect-error raw takes no values
    assert.equal(String(raw`a${'<script>'}`), 'a')
  })
})

describe('safeHref', () => {
  it('passes web addresses and paths of this host', () => {
    for (const target of ['https://a.example/x?y#z', 'http://127.0.0.1:1/', '/.pomerium/']) {
      assert.equal(safeHref(target), target)
    }
  })
  it('defuses everything that runs or leaves by a trick', () => {
    for (const target of [
      'javascript:alert(1)',
      'data:text/html,x',
      '//evil',
      '/\\evil',
      ' https://x',
      '',
      'x',
    ]) {
      assert.equal(safeHref(target), '#', target)
    }
  })
})
