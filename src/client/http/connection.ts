/**
 * One connection to the server: straight or by a proxy, encrypted and verified before anything is sent on it.
 *
 * @module
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'
import { connectThrough, proxyFor } from './proxy.ts'
import type { Trust } from './trust.ts'

export interface Way {
  readonly server: URL
  readonly trust: Trust
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Names below `.localhost` are this machine, as browsers have it (RFC 6761 section 6.3). */
const lookup: LookupFunction = (hostname, options, callback) => {
  if (!hostname.endsWith('.localhost')) return systemLookup(hostname, options, callback)
  const here: LookupAddress[] = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]
  return options.all === true ? callback(null, here) : callback(null, '127.0.0.1', 4)
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

export async function openConnection({ server, trust, env }: Way, signal: AbortSignal): Promise<Socket> {
  if (server.protocol === 'http:') {
    const plain = connectPlain({ host: hostOf(server), port: Number(server.port || 80), lookup, signal })
    return await whenReady(plain, 'connect')
  }
  const socket = await openTls({ server, trust, env }, signal, {
    secureContext: trust.context,
    rejectUnauthorized: !trust.isUnverified,
  })
  return await whenReady(socket, 'secureConnect')
}

async function openTls(
  { server, trust, env }: Way,
  signal: AbortSignal,
  options: { readonly secureContext: SecureContext; readonly rejectUnauthorized: boolean },
): Promise<TLSSocket> {
  const host = hostOf(server)
  const proxy = proxyFor(server, env)
  const below = proxy === undefined ? undefined : await connectThrough(proxy, server, { trust, signal })
  const socket = connectTls({
    ...options,
    ...(below === undefined ? { port: Number(server.port || 443), lookup } : { socket: below }),
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['http/1.1'],
  })
  const stop = (): void => void socket.destroy(new Error('no answer in time'))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', stop))
  return socket
}

async function whenReady(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    socket.once(event, () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

export interface SeenCertificate {
  readonly subject: string
  readonly issuer: string
  /** SHA-256. */
  readonly fingerprint: string
  readonly names: string
  readonly validTo: string
}

/** The certificate that the server shows, trusted or not. Nothing is sent on this connection. */
export async function lookAtCertificate(way: Way, signal: AbortSignal): Promise<SeenCertificate | undefined> {
  const options = { secureContext: way.trust.anonymous, rejectUnauthorized: false }
  const socket = await openTls(way, signal, options)
  try {
    await whenReady(socket, 'secureConnect')
    const seen = socket.getPeerX509Certificate()
    if (seen === undefined) return undefined
    return {
      subject: seen.subject ?? '',
      issuer: seen.issuer,
      fingerprint: seen.fingerprint256,
      names: seen.subjectAltName ?? '',
      validTo: seen.validTo,
    }
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}
