import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { after, beforeEach, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createLogger } from '../src/telemetry/log.ts'
import { until } from '../test/harness/until.ts'
import { askAdmin } from './admin.ts'
import { writeBootstrap } from './bootstrap.ts'
import { cachedPath } from './fetch.ts'
import { cacheDirectoryOf } from './find.ts'
import { inLines, LastWords, readEnvoyLine } from './log-lines.ts'
import { wheelFor } from './release.ts'
import { pauseBefore, type SuperviseOptions, superviseEnvoy } from './supervise.ts'

const root = mkdtempSync(join(tmpdir(), 'sallyport-supervise-'))
after(() => rmSync(root, { recursive: true, force: true }))

let run = ''
let bootstrapFile = ''
let log: Record<string, unknown>[] = []
beforeEach(() => {
  run = mkdtempSync(join(root, 'r'))
  bootstrapFile = writeBootstrap({ runDirectory: run })
  log = []
})

const logger = () =>
  createLogger({ level: 'debug', destination: { write: (line) => void log.push(JSON.parse(line)) } }).logger

/** Stands in for Envoy: answers `/ready` on the admin socket, and does what the body says. */
function fakeEnvoy(body: string): string {
  const path = join(run, 'envoy')
  writeFileSync(
    path,
    `#!/usr/bin/env node
const { appendFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { createServer } = require('node:http')
const args = process.argv.slice(2)
const folder = dirname(args[args.indexOf('--config-path') + 1])
appendFileSync(join(folder, 'starts'), process.pid + ' ' + args.join(' ') + '\\n')
const say = (level, msg) => process.stderr.write(JSON.stringify({ level, logger: 'main', msg }) + '\\n')
const live = () => createServer((_, answer) => answer.end('LIVE')).listen(join(folder, 'admin.sock'))
${body}
`,
  )
  chmodSync(path, 0o755)
  return path
}
const starts = () => readFileSync(join(run, 'starts'), 'utf8').trim().split('\n')

function supervise(envoyPath: string, more: Partial<SuperviseOptions> = {}) {
  return superviseEnvoy({
    envoyPath,
    bootstrapFile,
    logLevel: 'info',
    concurrency: 1,
    logger: logger(),
    accessLog: new PassThrough(),
    ...more,
  })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // A zombie waits to be collected by whoever adopted it; it runs no more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

describe('superviseEnvoy', () => {
  it('is ready when Envoy serves, and passes its access log on in whole lines', async () => {
    const accessLog = new PassThrough()
    const path = fakeEnvoy(
      `live(); process.stdout.write('{"msg":"http-re'); process.stdout.write('quest"}\\n')`,
    )
    await using envoy = supervise(path, { accessLog })
    await envoy.ready()
    const [line] = await once(createInterface(accessLog), 'line')
    assert.equal(line, '{"msg":"http-request"}')
    assert.match(
      starts()[0] ?? '',
      /--log-level info --component-log-level \S*router:info\S* --disable-hot-restart --concurrency 1 /,
    )
    assert.equal((await askAdmin(envoy.adminSocket, '/ready')).body, 'LIVE')
  })

  it('turns what Envoy says into its own log, at its own level', async () => {
    const path = fakeEnvoy(`say('warning', 'a limit is unset'); say('debug', 'noise'); live()`)
    await using envoy = supervise(path)
    await envoy.ready()
    await envoy[Symbol.asyncDispose]()
    const [warning, ...others] = log
    const { level, service, part, msg } = warning ?? {}
    assert.deepEqual(
      { level, service, part, msg },
      {
        level: 'warn',
        service: 'envoy',
        part: 'main',
        msg: 'a limit is unset',
      },
    )
    assert.deepEqual(others, [])
  })

  it('tells the last words of an Envoy that ends before it serves, and does not repeat it', async () => {
    const path = fakeEnvoy(
      `say('info', 'starting'); say('critical', 'cannot bind: in use'); process.exitCode = 1`,
    )
    await using envoy = supervise(path)
    await assert.rejects(envoy.ready(), {
      code: 'ENVOY_EXITED',
      message: 'Envoy exited with code 1: cannot bind: in use',
    })
    assert.equal(starts().length, 1)
  })

  it('says so when the binary cannot be started at all', async () => {
    await using envoy = supervise(join(run, 'nothing-here'))
    await assert.rejects(envoy.ready(), { code: 'ENVOY_EXITED', message: /could not be started.*ENOENT/ })
  })

  it('starts Envoy again after a crash and logs how it ended', async () => {
    const path = fakeEnvoy(`live()
      const { existsSync, writeFileSync } = require('node:fs')
      const second = join(folder, 'second')
      if (existsSync(second)) process.stdout.write('again\\n')
      else process.on('SIGUSR2', () => { writeFileSync(second, ''); say('critical', 'boom'); process.exit(139) })`)
    const accessLog = new PassThrough()
    await using envoy = supervise(path, { accessLog })
    await envoy.ready()
    const again = once(createInterface(accessLog), 'line')
    process.kill(envoy.status().pid ?? 0, 'SIGUSR2')
    assert.deepEqual(await again, ['again'])
    const { restarts, lastExit } = envoy.status()
    assert.deepEqual(
      { restarts, lastExit },
      { restarts: 1, lastExit: { how: 'exited with code 139', lastWords: 'boom' } },
    )
    assert.ok(log.some((line) => line['code'] === 'ENVOY_EXITED' && line['restartInMs'] === 250))
  })

  it('reads on when nobody takes the access log, so that Envoy never has to keep it', async () => {
    const path = fakeEnvoy(`live()
      const line = 'x'.repeat(1023) + '\\n'
      const write = (left) => {
        for (; left > 0; left -= 1) if (!process.stdout.write(line)) return process.stdout.once('drain', () => write(left - 1))
        process.stdout.write('end\\n')
      }
      write(4096)`)
    const { promise, resolve } = Promise.withResolvers<void>()
    // Says "wait" to each line, and never that it can go on.
    const accessLog = { write: (lines: Buffer) => (lines.includes('end') && resolve(), false) }
    await using envoy = supervise(path, { accessLog })
    await promise
    assert.equal(envoy.status().restarts, 0)
  })

  it('notices an Envoy that runs but does not answer, says so and starts it anew', async () => {
    const path = fakeEnvoy(`live()`)
    const liveness = { intervalMs: 20, unreadyAfterMs: 100, restartAfterMs: 400 }
    await using envoy = supervise(path, { liveness })
    await envoy.ready()
    const { pid = 0 } = envoy.status()
    // It has been heard once, or its silence would be that of a start.
    await until(() => !envoy.status().isSilent && starts().length === 1, { what: 'a first answer' })
    await pause(100)
    process.kill(pid, 'SIGSTOP')
    await until(() => envoy.status().isSilent, { what: 'its silence to be noticed' })
    await until(() => envoy.status().restarts === 1, { what: 'another one' })
    assert.ok(!isRunning(pid))
    assert.ok(log.some(({ msg }) => /runs but does not answer/.test(String(msg))))
    await until(async () => (await askAdmin(envoy.adminSocket, '/ready')).status === 200, {
      what: 'its answer',
    })
    assert.equal(envoy.status().isSilent, false)
  })

  it('kills an Envoy that will not stop', async () => {
    const path = fakeEnvoy(`process.on('SIGTERM', () => {}); live(); setInterval(() => {}, 1000)`)
    const envoy = supervise(path, { stopTimeoutMs: 50 })
    await envoy.ready()
    const pid = envoy.status().pid ?? 0
    await envoy[Symbol.asyncDispose]()
    assert.ok(!isRunning(pid))
    assert.equal(envoy.status().lastExit?.how, 'was ended by SIGKILL')
  })

  it('gives Envoy none of the secrets in its environment', async () => {
    process.env['SALLYPORT_TEST_SECRET'] = 'hush'
    const path = fakeEnvoy(`live(); process.stdout.write(Object.keys(process.env).join() + '\\n')`)
    const accessLog = new PassThrough()
    await using envoy = supervise(path, { accessLog })
    const [line] = (await once(createInterface(accessLog), 'line')) as [string]
    delete process.env['SALLYPORT_TEST_SECRET']
    assert.ok(line.includes('PATH') && !line.includes('SALLYPORT_TEST_SECRET'), line)
    await envoy.ready()
  })

  it('takes Envoy with it even when it is killed without warning', {
    skip: process.platform === 'win32',
  }, async () => {
    const path = fakeEnvoy(`live()`)
    const program = `
      import { superviseEnvoy } from ${JSON.stringify(join(import.meta.dirname, 'supervise.ts'))}
      import { createLogger } from ${JSON.stringify(join(import.meta.dirname, '../src/telemetry/log.ts'))}
      const { logger } = createLogger({ level: 'error' })
      const [envoyPath, bootstrapFile] = process.argv.slice(1)
      const envoy = superviseEnvoy({ envoyPath, bootstrapFile, logLevel: 'error', logger, accessLog: process.stdout })
      await envoy.ready()
      console.log(envoy.status().pid)`
    const parent = spawn(
      process.execPath,
      ['--input-type=module-typescript', '-e', program, path, bootstrapFile],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [line] = await once(createInterface(parent.stdout), 'line')
    const pid = Number(line)
    assert.ok(isRunning(pid))
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    while (isRunning(pid)) await pause(5)
  })

  it('runs a real Envoy, which waits for its configuration', {
    skip: realEnvoy() === undefined,
  }, async () => {
    const envoy = supervise(realEnvoy() ?? '')
    let answer: string | undefined
    while (answer === undefined)
      answer = await askAdmin(envoy.adminSocket, '/ready').then(
        ({ body }) => body.trim(),
        () => pause(5, undefined),
      )
    assert.equal(answer, 'PRE_INITIALIZING')
    assert.equal(statSync(envoy.adminSocket).mode & 0o777, 0o600)
    await envoy[Symbol.asyncDispose]()
    assert.equal(envoy.status().lastExit?.how, 'exited with code 0')
    assert.deepEqual(
      log
        .filter(({ level, msg }) => level !== 'info' && msg !== 'caught ENVOY_SIGTERM')
        .map(({ msg }) => msg),
      [],
      'a plain start warns of nothing',
    )
  })
})

/** An Envoy that is already here: this test fetches none. */
function realEnvoy(): string | undefined {
  if (process.env['ENVOY_PATH']) return process.env['ENVOY_PATH']
  const wheel = wheelFor({ platform: process.platform, arch: process.arch, kernel: '24.0', glibc: '2.31' })
  const path = 'reason' in wheel ? '' : cachedPath(cacheDirectoryOf(process.env), wheel)
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path
}

describe('pauseBefore', () => {
  it('doubles from a quarter of a second to fifteen', () => {
    assert.deepEqual([1, 2, 3, 7, 50].map(pauseBefore), [250, 500, 1000, 15_000, 15_000])
  })
})

describe('lines from Envoy', () => {
  it('are never torn, and a bunch is given on at once', () => {
    const bunches: string[] = []
    const take = inLines((lines) => void bunches.push(lines.toString()))
    for (const chunk of ['a', 'b\nc\nd', '', 'e\n', 'f']) take(Buffer.from(chunk))
    assert.deepEqual(bunches, ['ab\nc\n', 'de\n'])
  })

  it('are errors when they do not come through its logger', () => {
    assert.deepEqual(readEnvoyLine('free(): invalid pointer'), {
      level: 'error',
      part: undefined,
      message: 'free(): invalid pointer',
    })
  })

  it('are read in the form of the bootstrap, and in the one that Envoy uses before it has read that', () => {
    assert.deepEqual(readEnvoyLine('{"level":"critical","time":"…","logger":"main","msg":"x"}'), {
      level: 'fatal',
      part: 'main',
      message: 'x',
    })
    const plain = '[2026-11-23 21:41:49.544][7][warning][config] [source/server/server.cc:465] no limit'
    assert.deepEqual(readEnvoyLine(plain), { level: 'warn', part: 'config', message: 'no limit' })
    assert.equal(readEnvoyLine(plain.replace('warning', 'info')).level, 'debug')
  })

  it('keep the last errors, or the last line when there was none', () => {
    const words = new LastWords(2)
    assert.equal(words.toString(), 'it said nothing')
    for (const message of ['one', 'two', 'three']) words.add({ level: 'info', part: 'main', message })
    assert.equal(words.toString(), 'three')
    words.add({ level: 'error', part: undefined, message: 'four' })
    assert.equal(words.toString(), 'four')
  })
})
