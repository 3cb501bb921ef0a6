/**
 * The proxy that the environment names, as other programs read it: `HTTPS_PROXY` and `NO_PROXY`.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { request as httpRequest } from 'node:http'
import { BlockList, isIP, isIPv4, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Fault } from '../../errors.ts'
import { isThisMachine, parsedUrl } from '../server-url.ts'
import type { Trust } from './trust.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** @throws {Fault} USAGE for one that can't be used */
export function proxyFor(server: URL, env: Environment): URL | undefined {
  const text = env['HTTPS_PROXY'] || env['https_proxy'] || ''
  if (text === '' || server.protocol !== 'https:' || isThisMachine(server.hostname)) return undefined
  if (isLeftOut(server, env['NO_PROXY'] || env['no_proxy'] || '')) return undefined
  const proxy = parsedUrl(text.includes('://') ? text : `http://${text}`)
  // Its address may hold a password, so it is not shown.
  if (proxy === undefined || (proxy.protocol !== 'http:' && proxy.protocol !== 'https:'))
    throw new Fault('USAGE', 'HTTPS_PROXY is not the address of an HTTP proxy, such as http://proxy:3128')
  return proxy
}

/** `*`, names with all below them, addresses and networks; each perhaps with a port. */
function isLeftOut({ hostname, port }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const [, name = entry, only] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry) ?? []
      if (only !== undefined && only !== (port === '' ? '443' : port)) return false
      return isIP(host) === 0 ? isBelow(host, name) : isWithin(host, name.replace(/^\[|\]$/g, ''))
    })
}

function isBelow(host: string, name: string): boolean {
  const domain = name.replace(/^\*?\./, '')
  // With a dot before it, as everywhere, the name itself is not meant.
  return (host === domain && domain === name) || host.endsWith(`.${domain}`)
}

const family = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6')

function isWithin(address: string, network: string): boolean {
  const [first = '', bits] = network.split('/')
  if (isIP(first) === 0) return false
  const list = new BlockList()
  try {
    if (bits === undefined) list.addAddress(first, family(first))
    else list.addSubnet(first, Number(bits), family(first))
  } catch {
    return false
  }
  return list.check(address, family(address))
}

/** A connection to the server, made by the proxy, which sees its name and port alone. */
export async function connectThrough(
  proxy: URL,
  server: URL,
  { trust, signal }: { readonly trust: Trust; readonly signal: AbortSignal },
): Promise<Socket> {
  const target = `${server.hostname}:${server.port === '' ? '443' : server.port}`
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const options = {
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    path: target,
    headers: {
      host: target,
      ...(user !== ':' && { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }),
    },
    signal,
  }
  // Given as a socket, since it is verified by the roots of this client.
  const socketTo = (): Socket =>
    connectTls({
      host: options.host,
      port: Number(options.port),
      ...(isIP(options.host) === 0 && { servername: options.host }),
      secureContext: trust.anonymous,
      rejectUnauthorized: !trust.isUnverified,
    })
  const asked = httpRequest({
    ...options,
    ...(proxy.protocol === 'https:' ? { createConnection: socketTo } : { agent: false }),
  })
  return await new Promise((resolve, reject) => {
    const failed = (reason: string, cause?: Error) =>
      reject(
        new Fault('SERVER_UNREACHABLE', `the proxy ${proxy.host} (HTTPS_PROXY) ${reason}`, {
          cause,
        }),
      )
    asked.once('connect', ({ statusCode = 0 }, socket: Socket) => {
      if (statusCode === 200) return resolve(socket)
      socket.destroy()
      const why = statusCode === 407 ? ': it wants a user name and password in its address' : ''
      return failed(`does not connect to ${target}: it answered ${statusCode}${why}`)
    })
    asked.once('response', (response) => {
      response.destroy()
      failed(`does not connect to ${target}: it answered ${response.statusCode}`)
    })
    asked.once('error', (error) => failed(`does not connect to ${target}: ${error.message}`, error))
    asked.end()
  })
}
