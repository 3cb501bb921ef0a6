/**
 * One client's share of an app.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const COUNTS = ['src/extauthz/share/open-requests.test.ts']
const SHARE = ['src/extauthz/share/share.test.ts']
const GOLDEN = ['test/golden/golden.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: 'if (account.reported + unreported >= share) return undefined',
    replace: 'if (account.reported >= share) return undefined',
    tests: COUNTS,
    breaks: 'A burst of requests goes over the share before any of them is reported.',
  },
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: 'known.account.reported--',
    replace: '',
    tests: COUNTS,
    breaks: 'Nobody gets back what they once had open.',
  },
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: 'if (forgottenAt > now || most-- === 0) break',
    replace: 'break',
    tests: COUNTS,
    breaks: 'A lost report locks its client out until the next restart.',
  },
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: 'const FORGOTTEN_AFTER_MS = 2 * REPORT_EVERY_MS + 2000',
    replace: 'const FORGOTTEN_AFTER_MS = REPORT_EVERY_MS - 2000',
    tests: COUNTS,
    breaks: 'Open streams are forgotten between two reports, and their client opens as many again.',
  },
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: 'const WINDOW_SECONDS = REPORT_EVERY_MS / 1000 + 2',
    replace: 'const WINDOW_SECONDS = REPORT_EVERY_MS / 1000 - 2',
    tests: COUNTS,
    breaks:
      'Requests stop counting before they are reported for the first time, so each few seconds there is a new share.',
  },
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: 'if (!this.#end(mark)) this.#leaveWindow(mark, account)',
    replace: 'this.#end(mark)',
    tests: COUNTS,
    breaks: 'A request that becomes long counts twice, so people are refused within their share.',
  },
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: "if (older === undefined && this.#accounts.size >= this.#mostClients && client !== '')",
    replace: 'if (false)',
    tests: COUNTS,
    breaks: 'Strangers from many addresses fill the memory.',
  },
  {
    file: 'src/extauthz/share/open-requests.ts',
    find: 'this.#olderAccounts = this.#accounts\n',
    replace: '',
    tests: COUNTS,
    breaks: 'Every few seconds all counts are lost, and each client has a new share.',
  },
  {
    file: 'src/extauthz/share/client.ts',
    find: "if (kind === 'service-account' || isSignedIn(check, session)) return `s:${id}`",
    replace: 'return `s:${id}`',
    tests: SHARE,
    breaks: 'Who has many tokens has many shares.',
  },
  {
    file: 'src/edge/client-network.ts',
    find: 'network: beginningOf(groups, GROUPS_OF_NETWORK)',
    replace: 'network: address',
    tests: SHARE,
    breaks: 'Each address of an IPv6 network has a share of its own.',
  },
  {
    file: 'src/extauthz/authorizer.ts',
    find: 'if (check?.admission !== undefined) openRequests.withdraw(check.admission)',
    replace: '',
    tests: SHARE,
    breaks: 'Requests that fail take places of their client for seconds.',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: 'check.hasWaitedForEnds = true',
    replace: '',
    tests: SHARE,
    breaks: 'Who is over the share waits for ever instead of being refused.',
  },
  {
    file: 'src/config/keys/upstream/request-limits.ts',
    find: 'return share < limit ? share : undefined',
    replace: 'return share < usual ? share : undefined',
    tests: SHARE,
    breaks: 'Nobody has a share unless the configuration sets a small one.',
  },
  {
    file: 'src/config/keys/upstream/request-limits.ts',
    find: 'return mayLastForEver(route, settings) ? Math.min(most, connections ?? most) : most',
    replace: 'return most',
    tests: SHARE,
    breaks: 'Where streams may last for ever and connections are few, one client takes them all.',
  },
  {
    file: 'src/config/keys/upstream/request-limits.ts',
    find: 'isOnePerConnection(route, settings) ? (wanted.max_connections ?? Infinity) : Infinity,',
    replace: 'Infinity,',
    tests: SHARE,
    breaks: 'Where connections are few, one client takes them all.',
  },
  {
    file: 'src/xds/resources/listeners/http-connection-manager.ts',
    find: 'access_log_options: { access_log_flush_interval: duration(REPORT_EVERY_MS) },',
    replace: '',
    tests: GOLDEN,
    breaks: 'Open streams are never reported, so after some seconds they count no longer.',
  },
  {
    file: 'src/xds/resources/listeners/access-log.ts',
    find: 'markIs({ string_match: { prefix: TOLD_AT_ONCE } }),',
    replace: 'markIs({ string_match: { exact: TOLD_AT_ONCE } }),',
    tests: GOLDEN,
    breaks: 'Ends of short requests are not reported, so a busy client is refused.',
  },
  {
    file: 'src/authenticate/steps/request/refuse-service-worker.ts',
    find: "if (worker !== undefined || destination === 'serviceworker')",
    replace: "if (worker === 'script')",
    tests: ['src/authenticate/pipeline.test.ts'],
    breaks: 'A page of ours may become a service worker where a browser spells its wish in another way.',
  },
]
