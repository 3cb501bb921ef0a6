import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { askForAddress } from './pasted-address.ts'

/** A terminal, and what it shows. */
function terminal() {
  const keys = new PassThrough()
  const shown: string[] = []
  const raw: boolean[] = []
  const input = Object.assign(keys, {
    isTTY: true,
    setRawMode: (mode: boolean) => void raw.push(mode),
  }) as unknown as NodeJS.ReadStream
  return { keys, shown, raw, asked: { input, output: { write: (text: string) => shown.push(text) } } }
}

describe('an address that is pasted', () => {
  it('is asked for until it is the one, however long, and is never shown', async () => {
    const { keys, shown, raw, asked } = terminal()
    const right = `http://127.0.0.1:1/callback?pomerium_jwt=${'x'.repeat(6_000)}`
    const end = await new Promise<() => void>((resolve) => {
      const stop = askForAddress(
        asked,
        (text) => {
          if (text === right) setImmediate(() => resolve(stop))
          return text === right
        },
        () => assert.fail('nobody interrupted'),
      )
      keys.write('https://app.example.com/secret\r')
      keys.write(`${right}\r`)
    })
    end()
    assert.deepEqual(shown, [
      'Address: ',
      '\nThat is not the address of this sign-in. It begins with http://127.0.0.1.\nAddress: ',
      '\n',
    ])
    assert.deepEqual(
      [raw[0], raw.at(-1)],
      [true, false],
      'the terminal does not show it, and is as before afterwards',
    )
  })

  it('may be left out by Ctrl-C', async () => {
    const { keys, asked } = terminal()
    const end = await new Promise<() => void>((resolve) => {
      const stop = askForAddress(
        asked,
        () => false,
        () => resolve(stop),
      )
      keys.write('\u0003')
    })
    end()
  })
})
