/**
 * The Debian package in a real systemd, from its first start to its purge. Each step goes on where the one
 * before has ended, as on a server.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { findPart, need, skipWithout } from '../harness/parts.ts'
import { tempDir } from '../harness/ports.ts'
import { startProcess } from '../harness/process.ts'
import { until } from '../harness/until.ts'
import { CONFIG, HOSTS } from './config.ts'
import { bootMachine, type Machine } from './machine.ts'
import { packagesIn } from './packages.ts'

const debian = await findPart('debian-with-systemd')
const VISITORS = join(import.meta.dirname, 'visitors.ts')
const SERVICES = ['sallyport', 'sallyport-envoy'] as const
/** As dpkg tells it. */
const WITH_NEWER = /^ii +[\d.]+\+1$/
const ETC = '/etc/sallyport/config.yaml'

/** So many answers of each host. */
const ALL_WELL = (each: number) => ({ [`${HOSTS[0]} 200`]: each, [`${HOSTS[1]} 302`]: each })

describe('the Debian package in a real systemd', { ...skipWithout(debian), concurrency: false }, () => {
  const stop = new AsyncDisposableStack()
  after(async () => await stop.disposeAsync())
  let machine: Machine
  let packages: Awaited<ReturnType<typeof packagesIn>>

  /** A line of shell that has to succeed. */
  const sh = async (script: string): Promise<string> => {
    const { code, text } = await machine.sh(script)
    assert.equal(code, 0, `${script}\n${text}`)
    return text
  }
  const install = async (path: string) => {
    cpSync(path, join(machine.root, 'root', 'package.deb'))
    // As careful administrators have it: what the package brings is readable all the same.
    return await machine.sh('umask 077; dpkg -i /root/package.deb', 300_000)
  }
  const writeConfig = async (text: string): Promise<void> => {
    writeFileSync(join(machine.root, 'root', 'config.yaml'), text)
    await sh(`cat /root/config.yaml > ${ETC}`)
  }
  const show = async (unit: string, what: string): Promise<string> =>
    (await sh(`systemctl show -P ${what} ${unit}`)).trim()
  const pids = async (): Promise<string[]> => [
    await show('sallyport', 'MainPID'),
    await show('sallyport-envoy', 'MainPID'),
  ]
  const ready = async (): Promise<unknown> => await sh('sallyport wait-ready --wait 60')
  const visit = (requests: number, visitors = 1, pauseMs = 50) =>
    startProcess({
      command: 'nsenter',
      args: [
        '-t',
        String(machine.leader),
        '-n',
        process.execPath,
        VISITORS,
        ...[requests, visitors, pauseMs].map(String),
      ],
    })
  /** What visitors were answered while something was done. */
  const answersDuring = async (
    act: () => Promise<unknown>,
    ...[requests, visitors, pauseMs]: Parameters<typeof visit>
  ): Promise<Record<string, number>> => {
    await using asking = visit(requests, visitors, pauseMs)
    await asking.waitForLine(/asking/, 60_000)
    await act()
    const [, told = ''] = await asking.waitForLine(/^(\{.*\})$/, 120_000)
    const { slowestMs, ...answers } = JSON.parse(told) as Record<string, number>
    assert.ok(slowestMs)
    return answers
  }
  before(async () => {
    const folder = stop.use(await tempDir('debian-package'))
    packages = await packagesIn(folder.path)
    machine = stop.use(await bootMachine(need(debian)))
  })

  it('is refused on another processor', async () => {
    const { code, text } = await install(packages.arm64)
    assert.notEqual(code, 0)
    assert.match(text, /architecture.*arm64.*does not match.*amd64/s)
  })

  it('is installed without network, and starts nothing before it is told what to protect', async () => {
    const { code, text } = await install(packages.current)
    assert.equal(code, 0, text)
    assert.match(text, /edit \/etc\/sallyport\/config\.yaml, then: systemctl enable --now sallyport/)
    assert.match(
      await sh('stat -c "%U:%G %a" /etc/sallyport /etc/sallyport/config.yaml'),
      /root:sallyport 750\nroot:sallyport 640/,
    )
    for (const service of SERVICES) assert.equal(await show(service, 'ActiveState'), 'inactive')
    assert.match(await sh('dpkg --verify sallyport; sallyport version'), /^sallyport/)
  })

  it('fails once, with the reason, while the configuration is the one of the package', async () => {
    const { code } = await machine.sh('systemctl start sallyport')
    assert.notEqual(code, 0)
    await until(async () => (await show('sallyport', 'ActiveState')) === 'failed', {
      what: 'the failure',
      withinMs: 30_000,
    })
    await sh('systemctl stop sallyport-envoy')
    const log = await sh('journalctl --no-pager -o cat -u sallyport')
    assert.equal(
      log.match(/config\.yaml:1:1: the file is empty; it needs at least `routes`/g)?.length,
      1,
      log,
    )
    assert.equal(await show('sallyport', 'NRestarts'), '0')
  })

  it('serves on 443 as a user who has no other right', async () => {
    await writeConfig(CONFIG)
    await sh('systemctl enable --now sallyport')
    await ready()
    const answers = await answersDuring(async () => await Promise.resolve(), 4)
    assert.deepEqual(answers, ALL_WELL(2))
    const [control, envoy] = await pids()
    assert.match(await sh(`grep -E '^(Uid|CapBnd|NoNewPrivs)' /proc/${control}/status`), /CapBnd:\t0+\n/)
    const rights = await sh(`grep -E '^(Uid|CapAmb|CapBnd)' /proc/${envoy}/status; id -u sallyport-envoy`)
    assert.match(rights, /^Uid:\t(\d+)\t.*CapBnd:\t0+400\nCapAmb:\t0+400\n\1$/s)
  })

  it('has two services that systemd-analyze rates 1.5 or better', async () => {
    for (const service of SERVICES) {
      const told = await sh(`systemd-analyze security --no-pager ${service}.service`)
      const level = Number(/Overall exposure level for .*: ([\d.]+)/.exec(told)?.[1])
      assert.ok(level <= 1.5, `${service}: ${level}`)
    }
  })

  it('keeps its state from others, and its sockets for Envoy', async () => {
    assert.match(
      await sh('stat -c "%U %a" /var/lib/sallyport /var/lib/private 2>/dev/null || true'),
      /^sallyport 700$/m,
    )
    assert.match(await sh('stat -c "%U:%G %a" /run/sallyport/authz.sock'), /^sallyport:sallyport-envoy 660$/m)
    const { code } = await machine.sh(
      'runuser -u sallyport-envoy -- cat /var/lib/sallyport/secrets/shared_secret /etc/sallyport/config.yaml',
    )
    assert.notEqual(code, 0)
  })

  it('loses none of 120 requests over two restarts', async () => {
    assert.deepEqual(
      await answersDuring(
        async () => await sh('systemctl restart sallyport && systemctl restart sallyport'),
        120,
      ),
      ALL_WELL(60),
    )
    // The same with many at a time, who meet every moment of it.
    assert.deepEqual(
      await answersDuring(
        async () => await sh('systemctl restart sallyport && systemctl restart sallyport'),
        120,
        8,
        5,
      ),
      ALL_WELL(480),
    )
  })

  it('takes a saved configuration over at once, and a reload says whether it is good', async () => {
    await sh('systemctl reload sallyport')
    await writeConfig(`${CONFIG}nonsense: 1\n`)
    assert.notEqual((await machine.sh('systemctl reload sallyport')).code, 0)
    assert.deepEqual(await answersDuring(async () => await Promise.resolve(), 4), ALL_WELL(2))
    await writeConfig(CONFIG)
    await sh('systemctl reload sallyport')
  })

  it('heals when either of the two is killed', async () => {
    for (const service of SERVICES) {
      await ready()
      await sh(`systemctl kill -s KILL ${service}`)
      await until(async () => (await show(service, 'ActiveState')) === 'active', {
        what: service,
        withinMs: 60_000,
      })
      await ready()
      assert.deepEqual(await answersDuring(async () => await Promise.resolve(), 4), ALL_WELL(2))
    }
  })

  it('names the capability when 443 may not be listened on', async () => {
    const dropIn = '/run/systemd/system/sallyport-envoy.service.d'
    await sh(
      `mkdir -p ${dropIn} && printf '[Service]\\nAmbientCapabilities=\\nCapabilityBoundingSet=\\n' > ${dropIn}/no.conf`,
    )
    await sh(
      'sysctl -qw net.ipv4.ip_unprivileged_port_start=1024; systemctl daemon-reload; systemctl restart sallyport-envoy',
    )
    await until(
      async () =>
        /AmbientCapabilities=CAP_NET_BIND_SERVICE/.test(
          (await machine.sh('sallyport healthcheck --ready')).text,
        ),
      {
        what: 'the cure to be told',
        withinMs: 60_000,
      },
    )
    await sh(`rm -r ${dropIn}; systemctl daemon-reload; systemctl restart sallyport-envoy`)
    await ready()
  })

  it('is upgraded while it serves: Envoy goes on running, and no request is lost', async () => {
    const [control, envoy] = await pids()
    const answers = await answersDuring(async () => {
      const { code, text } = await install(packages.newer)
      assert.equal(code, 0, text)
    }, 200)
    assert.deepEqual(answers, ALL_WELL(100))
    const [controlThen, envoyThen] = await pids()
    assert.notEqual(controlThen, control)
    assert.equal(envoyThen, envoy)
  })

  it('goes on running in the former version when the new one refuses the configuration', async () => {
    const [control] = await pids()
    await writeConfig(`${CONFIG}nonsense: 1\n`)
    const { code, text } = await install(packages.newer)
    assert.equal(code, 0, text)
    assert.match(text, /the new version does not take .*config\.yaml:\d+:1: nonsense: is not a known key/s)
    assert.equal((await pids())[0], control)
    await writeConfig(CONFIG)
  })

  it('stays as it is when the disk is full during an upgrade', async () => {
    await sh(
      'mkdir /root/kept && cp -a /usr/lib/sallyport/. /root/kept/ && mount -t tmpfs -o size=150m tmpfs /usr/lib/sallyport && cp -a /root/kept/. /usr/lib/sallyport/',
    )
    const running = await pids()
    const { code, text } = await install(packages.evenNewer)
    assert.notEqual(code, 0)
    assert.match(text, /No space left on device/)
    assert.deepEqual(await pids(), running)
    assert.deepEqual(await answersDuring(async () => await Promise.resolve(), 4), ALL_WELL(2))
    await sh('umount /usr/lib/sallyport; rm -r /root/kept')
    assert.match(await sh(`dpkg-query -W -f '\${db:Status-Abbrev} \${Version}' sallyport`), WITH_NEWER)
  })

  it('is not downgraded over a state that only the newer one can read, and the state stays', async () => {
    const file = join(machine.root, 'var/lib/sallyport/sallyport.db')
    await sh('systemctl stop sallyport-envoy sallyport')
    {
      using database = new DatabaseSync(file)
      database.exec('PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)')
    }
    const state = readFileSync(file)
    const { code, text } = await install(packages.current)
    assert.notEqual(code, 0)
    assert.match(text, /can't read the state in \/var\/lib\/sallyport.*Nothing is changed/s)
    assert.ok(readFileSync(file).equals(state))
    assert.match(await sh(`dpkg-query -W -f '\${db:Status-Abbrev} \${Version}' sallyport`), WITH_NEWER)
    {
      using database = new DatabaseSync(file)
      database.exec(`PRAGMA user_version = ${packages.schema}; PRAGMA wal_checkpoint(TRUNCATE)`)
    }
    await sh('chown -R sallyport:sallyport /var/lib/sallyport; systemctl start sallyport')
    await ready()
    const again = await install(packages.current)
    assert.equal(again.code, 0, again.text)
    await ready()
  })

  it('stops altogether, and starts again', async () => {
    await sh('systemctl stop sallyport sallyport-envoy')
    for (const unit of [
      ...SERVICES,
      'sallyport-xds.socket',
      'sallyport-authz.socket',
      'sallyport-supervise.socket',
      'sallyport-http.socket',
    ])
      assert.equal(await show(unit, 'ActiveState'), 'inactive', unit)
    await sh('systemctl start sallyport')
    await ready()
  })

  it('leaves the state when it is removed, and takes it along when it is purged', async () => {
    writeFileSync(join(machine.root, 'root', 'tls.key'), 'of the administrator')
    await sh('cp /root/tls.key /etc/sallyport/tls.key; dpkg -r sallyport')
    for (const path of ['var/lib/sallyport/sallyport.db', 'etc/sallyport/config.yaml'])
      assert.ok(existsSync(join(machine.root, path)), path)
    assert.equal((await sh('pgrep -f "[s]allyport" || true')).trim(), '')
    await sh('dpkg -P sallyport')
    for (const path of [
      'var/lib/sallyport',
      'etc/sallyport/config.yaml',
      'run/sallyport',
      'usr/lib/sallyport',
    ])
      assert.equal(existsSync(join(machine.root, path)), false, path)
    assert.ok(existsSync(join(machine.root, 'etc/sallyport/tls.key')), 'a file of the administrator')
    assert.equal((await sh('find /etc/systemd /usr/lib/systemd -name "sallyport*"')).trim(), '')
  })
})
