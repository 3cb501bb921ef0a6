import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import fs, { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../../../test/harness/until.ts'
import { FolderEvents } from './folder-events.ts'

function world(t: TestContext) {
  const top = mkdtempSync(join(tmpdir(), 'sallyport-folders-'))
  const folder = join(top, 'conf')
  mkdirSync(folder)
  const names: (string | undefined)[] = []
  const events = new FolderEvents((_event, _folder, name) => names.push(name))
  t.after(() => {
    events[Symbol.dispose]()
    rmSync(top, { recursive: true, force: true })
  })
  const tellsOf = async (name: string) => {
    writeFileSync(join(folder, name), '')
    await until(() => names.includes(name), { what: `a word of ${name}` })
  }
  return { top, folder, events, tellsOf }
}

/** Watches that fail as the test says. */
function brokenWatches(t: TestContext) {
  const watchers: (EventEmitter & { close(): void })[] = []
  const state = { isFull: false }
  t.mock.method(fs, 'watch', () => {
    if (state.isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const watcher = Object.assign(new EventEmitter(), { close: () => undefined })
    watchers.push(watcher)
    return watcher
  })
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  return { watchers, state }
}

describe('the events of folders', () => {
  it('are those of the folder that stands there now: one that is made anew is watched anew', async (t) => {
    const { folder, events, tellsOf } = world(t)
    assert.deepEqual(events.follow([folder]), [folder])
    await tellsOf('one')
    assert.deepEqual(events.follow([folder]), [], 'nothing has changed')
    rmSync(folder, { recursive: true })
    mkdirSync(folder)
    assert.deepEqual(events.follow([folder]), [folder])
    await tellsOf('two')
  })

  it('are those of a folder that took the place of another', async (t) => {
    const { top, folder, events, tellsOf } = world(t)
    events.follow([folder])
    const next = join(top, 'next')
    mkdirSync(next)
    renameSync(folder, join(top, 'old'))
    renameSync(next, folder)
    assert.deepEqual(events.follow([folder]), [folder])
    await tellsOf('three')
  })

  it('are missing of a folder that is not there, until it is', async (t) => {
    const { folder, events, tellsOf } = world(t)
    rmSync(folder, { recursive: true })
    assert.deepEqual(events.follow([folder]), [])
    assert.deepEqual([...events.blind], [folder])
    mkdirSync(folder)
    assert.deepEqual(events.follow([folder]), [folder])
    assert.deepEqual([...events.blind], [])
    await tellsOf('four')
  })

  it('come again after a watch has failed', (t) => {
    const { folder, events } = world(t)
    const { watchers } = brokenWatches(t)
    events.follow([folder])
    watchers[0]?.emit('error', new Error('planted'))
    assert.deepEqual(events.follow([folder]), [folder])
    assert.equal(watchers.length, 2)
  })

  it('come as soon as the system has watches to give again', (t) => {
    const { folder, events } = world(t)
    const { state } = brokenWatches(t)
    state.isFull = true
    assert.deepEqual(events.follow([folder]), [])
    assert.deepEqual([...events.blind], [folder])
    state.isFull = false
    assert.deepEqual(events.follow([folder]), [folder])
    assert.deepEqual([...events.blind], [])
  })
})
