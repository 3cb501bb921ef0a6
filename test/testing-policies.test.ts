/**
 * docs/testing-policies.md says what the commands really print: its files are laid out in a folder, and each
 * command is run there.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from './harness/ports.ts'
import { sallyportCli } from './harness/sallyport.ts'

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'testing-policies.md'), 'utf8')
const fences = [...page.matchAll(/^```([a-z][^\n]*)\n([\s\S]*?)^```$/gm)].map(([, info = '', text = '']) => ({
  info,
  text,
}))
const textsOf = (wanted: string) => fences.filter(({ info }) => info === wanted).map(({ text }) => text)

/** It depends on every letter of the file, so the page need not be right about it. */
const withoutChecksum = (text: string) => text.replaceAll(/checksum [0-9a-f]{16}/g, 'checksum …')

describe('docs/testing-policies.md', () => {
  const commands = textsOf('console').map((text) => {
    const [command = '', ...output] = text.split('\n')
    return { args: command.replace(/^\$ sallyport /, '').split(' '), output: output.join('\n') }
  })

  it('has commands to be run', () => {
    assert.deepEqual(
      commands.map(({ args }) => args[0]),
      ['test', 'explain', 'explain', 'diff'],
    )
  })

  for (const { args, output } of commands) {
    it(`shows what sallyport ${args.join(' ')} prints`, async () => {
      await using folder = await tempDir()
      const [config = '', candidate = ''] = textsOf('yaml')
      const [log = ''] = textsOf('text decisions.log')
      await writeFile(join(folder.path, 'config.yaml'), config)
      await writeFile(join(folder.path, 'new.yaml'), candidate)
      await writeFile(join(folder.path, 'decisions.log'), log)
      const ran = await sallyportCli(args, { cwd: folder.path, env: { IDP_CLIENT_SECRET: 'secret' } })
      assert.equal(ran.stderr, '')
      assert.equal(withoutChecksum(`${ran.stdout}\n`), withoutChecksum(output))
    })
  }
})
