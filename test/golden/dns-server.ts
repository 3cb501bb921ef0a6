/**
 * A DNS server that knows every name to be this machine, so that upstreams can have names without a network.
 *
 * @module
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const FLAGS_RESPONSE = 0x8180
/** RFC 1035 section 4.1.1; `NODATA` is an answer without records. */
const CODES = { ADDRESS: 0, NODATA: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const
const TYPE_A = 1
const HEADER_BYTES = 12

export interface DnsServer extends AsyncDisposable {
  readonly port: number
  /** Where all names lead; may be changed. */
  address: string
  /** What is said of every name; silent servers answer nothing. */
  says: keyof typeof CODES | 'silence'
}

/** RFC 1035 section 4: one question, at most one answer with a life of 1 s. */
function answer(query: Buffer, address: string, says: keyof typeof CODES): Buffer {
  let end = HEADER_BYTES
  while (query[end] !== 0 && end < query.length) end += 1 + (query[end] ?? 0)
  const question = query.subarray(HEADER_BYTES, end + 5)
  const isA = says === 'ADDRESS' && question.readUInt16BE(question.length - 4) === TYPE_A
  const header = Buffer.alloc(HEADER_BYTES)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(FLAGS_RESPONSE | CODES[says], 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(isA ? 1 : 0, 6)
  if (!isA) return Buffer.concat([header, question])
  const record = Buffer.from([
    0xc0,
    HEADER_BYTES,
    0,
    TYPE_A,
    0,
    1,
    0,
    0,
    0,
    1,
    0,
    4,
    ...address.split('.').map(Number),
  ])
  return Buffer.concat([header, question, record])
}

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const server: DnsServer = {
    get port() {
      return socket.address().port
    },
    address: '127.0.0.1',
    says: 'ADDRESS',
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
  socket.on('message', (query, from) => {
    const { says, address } = server
    if (says !== 'silence') socket.send(answer(query, address, says), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return server
}
