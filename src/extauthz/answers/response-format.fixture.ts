/** Who asks, by the headers that they send. */
import type { Ask } from '../authorizer.fixture.ts'

export const BROWSER = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
}
export const SCRIPT = { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }

export const NAVIGATIONS: Readonly<Record<string, Ask>> = {
  'a browser’s navigation': { headers: BROWSER },
  'a HEAD of it': { method: 'HEAD', headers: BROWSER },
  'a frame': { headers: { ...BROWSER, 'sec-fetch-dest': 'iframe' } },
  'an old browser without fetch metadata': { headers: { accept: 'text/html,*/*' } },
  'a browser that answers a challenge of the app': { headers: { ...BROWSER, authorization: 'Basic eDp5' } },
}

/** What gets 401 and no redirect, with the content type of its answer. */
export const PROGRAMS: Readonly<Record<string, readonly [Ask, string | undefined]>> = {
  fetch: [{ headers: SCRIPT }, 'application/json'],
  'fetch that asks for HTML': [{ headers: { ...SCRIPT, accept: 'text/html' } }, 'application/json'],
  'an image': [{ headers: { 'sec-fetch-mode': 'no-cors', accept: 'image/*' } }, 'application/json'],
  XMLHttpRequest: [{ headers: { 'x-requested-with': 'XMLHttpRequest' } }, 'application/json'],
  'a program that wants JSON': [{ headers: { accept: 'application/json' } }, 'application/json'],
  'a program that takes anything': [{ headers: { accept: '*/*' } }, 'application/json'],
  'a program that says nothing': [{ rawHeaders: [] }, 'application/json'],
  git: [{ headers: { accept: '*/*', 'user-agent': 'git/2.47.1' } }, 'application/json'],
  'a script of another origin in an old browser': [
    { headers: { accept: 'text/html', origin: 'https://x.example' } },
    'application/json',
  ],
  'a bearer token, in a browser’s dress': [
    { headers: { ...BROWSER, authorization: 'Bearer x' } },
    'application/json',
  ],
  'a key of some app': [{ headers: { ...BROWSER, authorization: 'ApiKey x' } }, 'application/json'],
  'a program that wants text': [{ headers: { accept: 'text/plain' } }, 'text/plain; charset=utf-8'],
  'a WebSocket': [
    { headers: { upgrade: 'websocket', 'sec-fetch-mode': 'websocket' } },
    'text/plain; charset=utf-8',
  ],
  'an old WebSocket client': [{ headers: { upgrade: 'websocket' } }, 'text/plain; charset=utf-8'],
  gRPC: [{ method: 'POST', headers: { 'content-type': 'application/grpc' } }, 'text/plain; charset=utf-8'],
  kubectl: [{ headers: { 'user-agent': 'kubectl/v1.30 kubernetes/abc' } }, 'application/json'],
  'a CORS preflight': [
    {
      method: 'OPTIONS',
      headers: {
        origin: 'https://x.example',
        'access-control-request-method': 'PUT',
        'sec-fetch-mode': 'cors',
      },
    },
    'application/json',
  ],
  'a posted form': [{ method: 'POST', headers: BROWSER }, 'text/html; charset=utf-8'],
  'a reference that is not valid': [
    { headers: { ...BROWSER, authorization: 'Pomerium x' } },
    'application/json',
  ],
}
