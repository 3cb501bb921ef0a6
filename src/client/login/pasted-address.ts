/**
 * For computers without a browser: the user signs in on another one, and pastes the address where that ends.
 *
 * @module
 */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: { write(text: string): unknown }
}

/** What is pasted holds a token, so it is not shown. @returns what ends it */
export function askForAddress(
  { input, output }: Terminal,
  take: (address: string) => boolean,
  onInterrupt: () => void,
): () => void {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: silent, terminal: true })
  output.write('Address: ')
  lines.on('line', (line) => {
    if (line.trim() === '' || take(line)) return output.write('\n')
    return output.write(
      '\nThat is not the address of this sign-in. It begins with http://127.0.0.1.\nAddress: ',
    )
  })
  lines.once('SIGINT', onInterrupt)
  return () => lines.close()
}
