import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { prefersHtml } from './prefers-html.ts'

const CHROME = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

describe('a person at a browser', () => {
  for (const headers of [
    { 'sec-fetch-mode': 'navigate', accept: CHROME },
    { 'sec-fetch-mode': 'navigate', accept: 'application/json' },
    { 'sec-fetch-mode': 'nested-navigate' },
    { accept: CHROME },
    { accept: 'text/html' },
    { accept: 'TEXT/HTML;level=1' },
    { accept: 'application/xhtml+xml' },
    { accept: 'text/html;q=0.9, application/json;q=0.9' },
    { accept: 'text/html;q=what' },
    { accept: ' text/html ; q=0.2 , */*' },
  ])
    it(`is one who sends ${JSON.stringify(headers)}`, () => assert.ok(prefersHtml(headers)))
})

describe('a program', () => {
  for (const headers of [
    {},
    { accept: '' },
    { accept: '*/*' },
    { accept: 'text/*' },
    { accept: 'image/png' },
    { accept: 'application/json' },
    { accept: 'text/plain' },
    { accept: 'text/html;q=0' },
    { accept: 'text/html;q=0, */*' },
    { accept: 'text/html;q=0.5, application/json' },
    { accept: 'text/html;q=0.5, text/plain;q=0.6' },
    { accept: 'text/htmlx, x-text/html' },
    { accept: `text/html${','.repeat(3000)}` },
    { 'sec-fetch-mode': 'cors', accept: CHROME },
    { 'sec-fetch-mode': 'no-cors', accept: CHROME },
    { 'sec-fetch-mode': 'same-origin', accept: CHROME },
    { 'sec-fetch-mode': 'websocket' },
    { 'sec-fetch-mode': '', accept: CHROME },
    { 'sec-fetch-mode': 'navigate,cors', accept: CHROME },
    { 'x-requested-with': 'XMLHttpRequest', accept: CHROME },
    { 'content-type': 'application/grpc+proto', accept: CHROME },
  ])
    it(`is one who sends ${JSON.stringify(headers).slice(0, 100)}`, () => assert.ok(!prefersHtml(headers)))
})
