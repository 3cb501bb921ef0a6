import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { type Admission, OpenRequests } from './open-requests.ts'

const SMALL = 6
const LARGE = 256

let now = 1_000_000
let requests: OpenRequests
beforeEach(() => {
  now = 1_000_000
  requests = new OpenRequests({ now: () => now })
})

const admit = (share: number, client = 'alice', app = 'wiki') => requests.admit(app, client, share)
const reported = ({ mark, isReported }: Admission) => (isReported ? `!${mark}` : mark)
const ends = (admission: Admission) => requests.report(`DownstreamEnd ${reported(admission)}`)
const isStillOpen = (admission: Admission) => requests.report(`DownstreamPeriodic ${reported(admission)}`)

/** As many as are let pass, one after the other. */
function admitAll(share: number, client?: string): Admission[] {
  const admitted: Admission[] = []
  for (let next = admit(share, client); next !== undefined; next = admit(share, client)) {
    admitted.push(next)
    assert.ok(admitted.length <= share, 'the share is bounded')
  }
  return admitted
}

/** Time passes, and what is open is reported as Envoy reports it. */
function pass(ms: number, open: readonly Admission[]): void {
  for (const end = now + ms; now < end; ) {
    now = Math.min(end, now + 5000)
    for (const each of open) isStillOpen(each)
  }
}

for (const share of [1, SMALL, 127, 128, LARGE])
  describe(`a share of ${share}`, () => {
    it('is what one client may have open', () => assert.equal(admitAll(share).length, share))

    it('is of one client and of one app', () => {
      admitAll(share)
      assert.notEqual(admit(share, 'bob'), undefined)
      assert.notEqual(admit(share, 'alice', 'other'), undefined)
    })

    it('stays taken for as long as its requests are reported', () => {
      const open = admitAll(share)
      for (let minutes = 0; minutes < 10; minutes++) {
        pass(60_000, open)
        assert.equal(admit(share), undefined)
        now += 4900
        assert.equal(admit(share), undefined)
      }
    })

    it('stays taken until its requests are old enough to be reported', () => {
      // Around the moment at which the list of clients is exchanged.
      now += 11_500
      const open = admitAll(share)
      for (let tenths = 0; tenths < 50; tenths++) {
        now += 100
        assert.equal(admit(share), undefined)
      }
      for (const each of open) isStillOpen(each)
      assert.equal(admit(share), undefined)
    })

    it('is free again once all have ended, at the latest when requests of these seconds count no longer', () => {
      for (const each of admitAll(share)) ends(each)
      now += 8000
      assert.equal(admitAll(share).length, share)
    })

    it('is free again when nothing is heard of its requests any more', () => {
      admitAll(share)
      now += 13_000
      assert.equal(admitAll(share).length, share)
    })

    it('counts a request that becomes long once, not twice', () => {
      const open = Array.from({ length: Math.ceil(share / 2) }, () => admit(share)).filter(
        (each) => each !== undefined,
      )
      now += 5000
      for (const each of open) isStillOpen(each)
      assert.equal(admitAll(share).length, share - open.length)
    })

    it('counts for one who takes over from a process before, from the first reports on', () => {
      const open = admitAll(share)
      requests = new OpenRequests({ now: () => now })
      for (const each of open) isStillOpen(each)
      assert.equal(admit(share), undefined)
      for (const each of open) ends(each)
      assert.equal(admitAll(share).length, share)
    })

    it('is not taken by requests that did not get as far as the app', () => {
      for (let index = 0; index < 3 * share; index++) {
        const admission = admit(share)
        assert.ok(admission)
        requests.withdraw(admission)
      }
    })
  })

describe('a client that is refused', () => {
  it('does not stay so for trying again and again', () => {
    const open = admitAll(SMALL)
    for (let tries = 0; tries < 10_000; tries++) assert.equal(admit(SMALL), undefined)
    for (const each of open) ends(each)
    assert.equal(admitAll(SMALL).length, SMALL)
  })
})

describe('a client with few requests', () => {
  it('has none of them reported, and they count for some seconds', () => {
    const few = Array.from({ length: LARGE / 4 }, () => admit(LARGE))
    assert.ok(few.every((each) => each?.isReported === false))
    assert.equal(admit(LARGE)?.isReported, true)
    assert.equal(admitAll(LARGE).length, LARGE - LARGE / 4 - 1)
  })

  it('has each reported where its share is small', () => assert.equal(admit(SMALL)?.isReported, true))
})

describe('a client with many short requests', () => {
  it('is never refused', () => {
    for (let index = 0; index < 50_000; index++) {
      const admission = admit(LARGE)
      assert.ok(admission, `request ${index}`)
      if (admission.isReported) ends(admission)
      now += 1
    }
  })
})

describe('reports', () => {
  it('of an end count once, however often it is told', () => {
    const [first] = admitAll(SMALL)
    assert.ok(first)
    ends(first)
    ends(first)
    assert.equal(admitAll(SMALL).length, 1)
  })

  it('of nothing that is known are taken for nothing', () => {
    for (const text of [
      '',
      ' ',
      '-',
      'DownstreamEnd -',
      'DownstreamEnd !x.1.2/wiki/alice',
      'DownstreamStart !a/b/c',
    ])
      requests.report(text)
    assert.deepEqual(requests.size, { clients: 0, reported: 0 })
    assert.equal(admitAll(SMALL).length, SMALL)
  })

  it('of the next second do not take away what came in others', () => {
    const first = admit(LARGE)
    assert.ok(first)
    now += 9000
    const others = Array.from({ length: LARGE / 4 }, () => admit(LARGE))
    assert.ok(others.every((each) => each?.isReported === false))
    // Late by so much that its second is one of another round.
    isStillOpen(first)
    assert.equal(admitAll(LARGE).length, LARGE - others.length - 1)
  })
})

describe('the list of clients', () => {
  it('is as long as their number in the last seconds, and no longer', () => {
    for (let index = 0; index < 1000; index++) admit(LARGE, `client-${index}`)
    for (let rounds = 0; rounds < 3; rounds++) {
      now += 13_000
      admit(LARGE, 'alice')
    }
    assert.deepEqual(requests.size, { clients: 1, reported: 0 })
  })

  it('is bounded: who comes beyond shares one place with all that do', () => {
    requests = new OpenRequests({ now: () => now, mostClients: 10 })
    for (let index = 0; index < 10; index++) assert.ok(admit(SMALL, `client-${index}`))
    const beyond = Array.from({ length: 100 }, (_, index) => admit(SMALL, `stranger-${index}`))
    assert.equal(beyond.filter((each) => each !== undefined).length, SMALL)
    assert.ok(admit(SMALL, 'client-3'))
    assert.equal(requests.size.clients, 11)
    const [one] = beyond
    assert.ok(one)
    isStillOpen(one)
    ends(one)
    assert.ok(admit(SMALL, 'stranger-1000'))
  })

  it('loses nobody who has something open', () => {
    const open = admitAll(LARGE)
    for (let rounds = 0; rounds < 5; rounds++) {
      pass(13_000, open)
      admit(LARGE, `other-${rounds}`)
    }
    assert.equal(admit(LARGE), undefined)
  })
})

describe('the wait for reports', () => {
  it('is not for any number at a time', async () => {
    const waiting = Array.from({ length: 1001 }, () => requests.waitForReports())
    assert.equal(waiting.at(-1), undefined)
    await Promise.all(waiting.slice(0, -1).map(async (each) => await each))
    assert.notEqual(requests.waitForReports(), undefined)
  })
})
