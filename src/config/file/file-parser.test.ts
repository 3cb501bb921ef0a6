import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { FileParser } from './file-parser.ts'

let folder: string
let file: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-parser-'))
  file = join(folder, 'config.yaml')
})
after(() => rm(folder, { recursive: true }))

async function parsed(text: string) {
  await writeFile(file, text)
  return new FileParser(file, {}).parse(1, new Map())
}

describe('a configuration file', () => {
  it('lists routes: one that was cut off before them is refused, an empty list is not', async () => {
    for (const text of ['insecure_server: true\n', 'routes:\n', 'routes: ~\n', 'policy:\n']) {
      const result = await parsed(text)
      assert.ok(result.kind === 'refused', text)
      assert.match(result.problems[0]?.message ?? '', /lists no `routes`; write `routes: \[\]`/)
    }
    for (const text of ['routes: []\n', 'policy: []\n'])
      assert.equal((await parsed(text)).kind, 'config', text)
  })

  it('has at most a hundred mistakes told, and the number of the others', async () => {
    const result = await parsed(`routes:\n${'  - { from: "https://a.example.com" }\n'.repeat(300)}`)
    assert.ok(result.kind === 'refused')
    assert.equal(result.problems.length, 101)
    assert.match(result.problems[100]?.message ?? '', /^and \d+ more mistakes; `sallyport validate` lists/)
  })
})
