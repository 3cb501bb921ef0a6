import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { markdown } from './markdown.ts'

const render = (text: string) => markdown(text).toString()

describe('the Markdown of operators', () => {
  it('has paragraphs, which may run over several lines', () => {
    assert.equal(render('Not yet.\n\nAsk\nthe desk.\n'), '<p>Not yet.</p><p>Ask the desk.</p>')
  })

  it('has lists, with points and with numbers', () => {
    assert.equal(
      render('Either\n- ask\n  kindly\n* wait\n\n1. call\n2) come'),
      '<p>Either</p><ul><li>ask kindly</li><li>wait</li></ul><ol><li>call</li><li>come</li></ol>',
    )
  })

  it('has bold, code and links', () => {
    assert.equal(
      render('**Ask** for `staff` at [the **desk**](https://desk.test/a?b=c&d) or [here](/help)'),
      '<p><strong>Ask</strong> for <code>staff</code> at <a href="https://desk.test/a?b=c&amp;d">the **desk**</a> or <a href="/help">here</a></p>',
    )
    assert.equal(render('[mail](mailto:desk@corp.test)'), '<p><a href="mailto:desk@corp.test">mail</a></p>')
  })

  it('has no HTML', () => {
    const text = '<script>alert(1)</script> **<b>** `<i>` [<u>](https://a.test/"onclick="x)'
    assert.doesNotMatch(render(text), /<(?:script|b|i|u)\b|"onclick/)
  })

  it('has no link that runs anything', () => {
    for (const target of [
      'javascript:alert',
      'JavaScript:x',
      'data:text/html,x',
      '//evil.test',
      'mailto:a:b',
      'x',
    ])
      assert.equal(render(`[words](${target})`), '<p>words</p>')
  })

  it('is quick over text that only begins things', () => {
    const startedAt = process.threadCpuUsage().user
    for (const part of ['[', '**', '`', '[a](', '- ']) render(part.repeat(4000 / part.length))
    assert.ok(process.threadCpuUsage().user - startedAt < 500_000)
  })

  it('leaves what is not closed as it is', () => {
    assert.equal(render('2 * 3 ** 4 ` [a] (b)'), '<p>2 * 3 ** 4 &#96; [a] (b)</p>')
  })
})
