import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openerFor, openPage, signInPage } from './browser.ts'

const APP = new URL('https://app.example.com')
const HERE = new URL('http://app.localhost:8080')

describe('the sign-in page that a server names', () => {
  for (const text of [
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/html,hello',
    'vscode://evil/install',
    'ssh://-oProxyCommand=id/',
    'smb://evil.example.com/share',
    '-a Calculator',
    '--version',
    '',
    'not an address',
    '//evil.example.com/',
    'http://app.example.com/.pomerium/program',
    'http://127.0.0.1:9200/_shutdown',
    'https://somebody:secret@app.example.com/',
    'https://app.example.com@evil.example.com/',
    `https://app.example.com/${'a'.repeat(9_000)}`,
    '<html>sign in</html>',
  ])
    it(`is not opened when it is no page of the web: ${text.slice(0, 60)}`, () => {
      assert.throws(
        () => signInPage(text, APP),
        /^Fault: https:\/\/app\.example\.com names a sign-in page that is no https/,
      )
    })

  it('may be of the server, or of its sign-in host', () => {
    assert.equal(signInPage('https://app.example.com/a?b=c', APP).href, 'https://app.example.com/a?b=c')
    assert.equal(signInPage('https://authenticate.example.com/', APP).host, 'authenticate.example.com')
    assert.equal(signInPage('http://app.localhost:8080/x', HERE).port, '8080')
    assert.throws(() => signInPage('http://app.example.com/x', HERE))
  })

  it('is given to the browser without what shells and programs read as their own', () => {
    const { href } = signInPage('https://app.example.com/?a=`id`$(id);"x" \t|&&', APP)
    assert.match(href, /^https:\/\//)
    assert.doesNotMatch(href, /["\s<>]/)
  })
})

describe('what opens the page', () => {
  it('is what the system has, and nothing where there is no screen', () => {
    assert.equal(openerFor({}, {}, 'linux'), undefined)
    assert.equal(openerFor({}, { DISPLAY: '' }, 'linux'), undefined)
    assert.equal(openerFor({}, { DISPLAY: ':0' }, 'linux')?.command, 'xdg-open')
    assert.equal(openerFor({}, { WAYLAND_DISPLAY: 'wayland-0' }, 'linux')?.command, 'xdg-open')
    assert.equal(openerFor({}, {}, 'darwin')?.command, 'open')
    // `start` would need a shell, which reads `&` as its own.
    assert.equal(openerFor({}, {}, 'win32')?.command, 'rundll32')
    assert.equal(openerFor({ isWanted: false }, { DISPLAY: ':0' }, 'linux'), undefined)
  })

  it('is the program that is named, whatever stands in its name', () => {
    const command = 'my browser; touch /tmp/x'
    assert.deepEqual(openerFor({ command }, {}, 'linux'), { command, args: [] })
  })

  it('tells why it failed', async () => {
    const why = await new Promise<string>((resolve) => {
      openPage({ command: '/nowhere/browser; true', args: [] }, APP, resolve)
    })
    assert.match(why, /ENOENT/)
    const ended = await new Promise<string>((resolve) => {
      openPage({ command: 'false', args: [] }, APP, resolve)
    })
    assert.equal(ended, 'false ended with 1')
  })
})
