import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { alone } from './login-lock.ts'
import { PrivateFolder } from './private-folder.ts'

const base = mkdtempSync(join(tmpdir(), 'sallyport-lock-'))
after(() => rmSync(base, { recursive: true }))
const folder = new PrivateFolder(join(base, 'locks'))
const lock = (name: string, onWait = () => undefined as void) => ({ folder, name, onWait })
const deadPid = (): number => spawnSync('true').pid

describe('the lock of a sign-in', () => {
  it('lets one in at a time, and tells the others once', async () => {
    let inside = 0
    const order: number[] = []
    let told = 0
    const work = (number: number) => async () => {
      inside += 1
      assert.equal(inside, 1)
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      order.push(number)
      inside -= 1
    }
    await Promise.all(
      [1, 2, 3].map((number) =>
        alone(
          lock('a', () => void (told += 1)),
          work(number),
        ),
      ),
    )
    assert.deepEqual(
      order.toSorted((one, other) => one - other),
      [1, 2, 3],
    )
    assert.equal(told, 2)
    assert.deepEqual(folder.names(), [])
  })

  it('is free again when the work fails', async () => {
    await assert.rejects(
      alone(lock('b'), () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal(await alone(lock('b'), () => Promise.resolve(1)), 1)
  })

  for (const [what, text] of [
    ['a process that is gone', () => `${deadPid()} ${Date.now()} x`],
    ['a process that has another’s number by now', () => `${process.pid} ${Date.now() - 16 * 60_000} x`],
    ['nobody', () => ''],
  ] as const)
    it(`of ${what} is taken over`, async () => {
      folder.create('c', text())
      assert.equal(await alone(lock('c'), () => Promise.resolve(2)), 2)
    })
})
