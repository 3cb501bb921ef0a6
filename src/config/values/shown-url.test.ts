import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { shownUrl } from './shown-url.ts'

describe('a URL that is shown', () => {
  for (const [url, shown] of [
    ['https://example.com/people.csv', 'https://example.com/people.csv'],
    ['https://user:planted@example.com:8443/p', 'https://[secret]@example.com:8443/p'],
    ['https://planted@example.com/', 'https://[secret]@example.com/'],
    ['https://example.com/p?token=planted&b=planted', 'https://example.com/p?token=[secret]&b=[secret]'],
    ['https://example.com/p?planted=', 'https://example.com/p?planted=[secret]'],
    ['https://example.com/p#planted', 'https://example.com/p'],
    ['planted', '[URL]'],
  ] as const)
    it(`is ${shown}`, () => assert.equal(shownUrl(url), shown))
})
