import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { runToEnd, startProcess } from './process.ts'
import { until } from './until.ts'

const NODE = process.execPath
const isAlive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe('startProcess', () => {
  it('finds a line that was printed and one that will be', async () => {
    await using child = startProcess({
      command: NODE,
      args: [
        '-e',
        'console.log("one"); setTimeout(() => console.log("two 22"), 50); setInterval(() => {}, 1000)',
      ],
    })
    await child.waitForLine(/one/)
    const [, number] = await child.waitForLine(/two (\d+)/)
    assert.equal(number, '22')
    await child.waitForLine(/one/)
  })

  it('fails at once, with what was said, when the process ends before the line', async () => {
    await using child = startProcess({ command: NODE, args: ['-e', 'console.error("no such port")'] })
    await assert.rejects(child.waitForLine(/ready/), /never printed .*no such port/s)
  })

  it('ends what a deaf process has started too', async () => {
    const child = startProcess({
      command: NODE,
      args: [
        '-e',
        `process.on('SIGTERM', () => {});
         const kid = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
         console.log('kid', kid.pid); setInterval(() => {}, 1000)`,
      ],
    })
    const [, kid] = await child.waitForLine(/kid (\d+)/)
    await child.stop(100)
    await until(() => !isAlive(Number(kid)), { what: 'the grandchild to end' })
    assert.equal(isAlive(child.pid), false)
  })

  it('leaves nothing behind when the test process gets Ctrl-C', {
    skip: process.platform !== 'linux',
  }, async () => {
    const module = new URL('./process.ts', import.meta.url).href
    await using inner = startProcess({
      command: NODE,
      args: [
        '--input-type=module',
        '-e',
        `const { startProcess } = await import('${module}');
         const child = startProcess({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
         console.log('kid', child.pid); setInterval(() => {}, 1000)`,
      ],
    })
    const [, kid] = await inner.waitForLine(/kid (\d+)/)
    inner.signal('SIGINT')
    await inner.exited
    await until(() => !isAlive(Number(kid)), { what: 'the child to end' })
  })

  it('reports a command that does not exist as a failure with its name', async () => {
    const exit = await runToEnd({ command: 'no-such-command-here' })
    assert.equal(exit.code, null)
  })
})
