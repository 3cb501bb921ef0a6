import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linesOf } from './log-file.ts'

async function lines(chunks: readonly string[], longest?: number): Promise<readonly string[]> {
  async function* given() {
    yield* chunks
  }
  return await Array.fromAsync(linesOf(given(), longest))
}

describe('the lines of a log', () => {
  it('are put together from pieces, and the last may lack its break', async () => {
    assert.deepEqual(await lines(['a', 'b\nc', '\n', '\nde', 'f']), ['ab', 'c', '', 'def'])
    assert.deepEqual(await lines([]), [])
  })

  it('are given up when they are longer than any of ours, without holding them in memory', async () => {
    assert.deepEqual(await lines(['aaaa', 'aaaa', 'a\nok\nbbbbbb\n'], 5), ['', 'ok', ''])
    assert.deepEqual(await lines(['aaaa', 'aaaa'], 5), [])
  })
})
