import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { prefersHtml } from './prefers-html.ts'

describe('prefersHtml', () => {
  it('is true of navigations, of browsers without fetch metadata, and of tools that name nothing', () => {
    for (const headers of [
      { 'sec-fetch-mode': 'navigate', accept: 'application/json' },
      { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' },
      { accept: '*/*' },
      { accept: '' },
      {},
    ]) {
      assert.equal(prefersHtml(headers), true, JSON.stringify(headers))
    }
  })
  it('is false of fetch(), XMLHttpRequest, gRPC and whoever likes JSON better', () => {
    for (const headers of [
      { 'sec-fetch-mode': 'cors', accept: 'text/html' },
      { 'sec-fetch-mode': 'no-cors' },
      { 'x-requested-with': 'XMLHttpRequest', accept: '*/*' },
      { 'content-type': 'application/grpc+proto' },
      { accept: 'application/json' },
      { accept: 'text/html;q=0.5, application/json' },
      { accept: 'text/plain' },
      { accept: 'image/png' },
    ]) {
      assert.equal(prefersHtml(headers), false, JSON.stringify(headers))
    }
  })
})
