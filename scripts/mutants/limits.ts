/**
 * Floods, full routes, retries, and being told to stop.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const BOOTSTRAP = ['envoy/bootstrap.test.ts']
const GOLDEN = ['test/golden/golden.test.ts']
const SUPERVISE = ['envoy/supervise.test.ts']
const DRAIN = ['envoy/drain.test.ts']
const LINES = ['src/telemetry/line-output.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'envoy/bootstrap.ts',
    find: 'max_outbound_control_frames: FRAMES_TO_OURSELVES,',
    replace: '',
    tests: BOOTSTRAP,
    breaks:
      'A stranger who cancels requests makes Envoy close its connection to the authorizer, and all checks fail.',
  },
  {
    file: 'envoy/bootstrap.ts',
    find: "'http.max_requests_per_io_cycle': REQUESTS_PER_READ,",
    replace: '',
    tests: BOOTSTRAP,
    breaks: 'Streams that are opened and reset in one packet each cost a check.',
  },
  {
    file: 'src/xds/resources/routes/retries.ts',
    find: 'max_interval: duration(timeoutMs),',
    replace: "max_interval: '0.05s',",
    tests: GOLDEN,
    breaks: 'A check that takes longer than 50 ms fails, so load alone denies everybody.',
  },
  {
    file: 'src/config/keys/upstream/retry-keys.ts',
    find: "export const RETRIED_BY_DEFAULT = ['connect-failure', 'refused-stream', 'reset-before-request'] as const",
    replace:
      "export const RETRIED_BY_DEFAULT = ['connect-failure', 'refused-stream', 'reset-before-request', '5xx'] as const",
    tests: GOLDEN,
    breaks: 'A payment that an app has made and answered 500 to is made three times.',
  },
  {
    file: 'src/xds/resources/clusters/resilience.ts',
    find: 'max_connections: isStrict ? wanted.max_connections : Math.min(requests + pending, UINT32_MAX),',
    replace: 'max_connections: requests,',
    tests: GOLDEN,
    breaks: 'Somebody who holds all connections of an app makes everybody else wait without an answer.',
  },
  {
    file: 'src/xds/resources/clusters/resilience.ts',
    find: 'const isStrict = wanted.max_connections !== undefined && !mayLastForEver(route, settings)',
    replace: 'const isStrict = wanted.max_connections !== undefined',
    tests: GOLDEN,
    breaks: 'On routes with WebSockets and a limit of connections, a full route never answers.',
    survives: 'no golden file has such a route; test/e2e/limits.test.ts opens one to its limit',
  },
  {
    file: 'src/xds/resources/routes/timeouts.ts',
    find: 'if (route.timeout === undefined) return usual === 0 ? undefined : shorter(usual, longest)',
    replace: 'if (route.timeout === undefined) return 0',
    tests: GOLDEN,
    breaks: 'Streams that say nothing hold their places for ever.',
  },
  {
    file: 'envoy/run.ts',
    find: 'inLines((lines) => void accessLog.write(lines)),',
    replace: 'inLines((lines) => { if (accessLog.write(lines) === false) child.stdout.pause() }),',
    tests: SUPERVISE,
    breaks: 'A log that nobody reads makes Envoy keep its lines in memory until it is killed.',
  },
  {
    file: 'envoy/supervise.ts',
    find: "running?.signal('SIGKILL')\n    },",
    replace: '},',
    tests: SUPERVISE,
    breaks: 'A frozen Envoy serves nobody until somebody looks.',
  },
  {
    file: 'envoy/drain.ts',
    find: "await ask('/drain_listeners?graceful', 'POST')",
    replace: '',
    tests: DRAIN,
    breaks: 'Clients keep their connections until they break.',
  },
  {
    file: 'envoy/drain.ts',
    find: 'while (waited() < timeoutMs) {',
    replace: 'for (;;) {',
    tests: DRAIN,
    breaks: 'One slow request keeps a process from ever stopping.',
  },
  {
    file: 'envoy/drain.ts',
    find: "gauge === 'rq_active' ? Number(value) : -Number(value)",
    replace: 'Number(value)',
    tests: DRAIN,
    breaks: 'One WebSocket makes each stop take as long as it may.',
  },
  {
    file: 'src/telemetry/line-output.ts',
    find: 'if (isGone || waitingBytes + bytes.length > mostWaitingBytes) return lose(bytes)',
    replace: 'if (isGone) return lose(bytes)',
    tests: LINES,
    breaks: 'A reader who stops reading fills the memory of the process.',
  },
  {
    file: 'src/telemetry/line-output.ts',
    find: '      onGone()\n',
    replace: '',
    tests: LINES,
    breaks: 'The decision log ends without a trace.',
  },
  {
    file: 'src/config/keys/upgrades.ts',
    find: 'const shared = isHttp2Only(route) ? [] : (settings.allow_upgrades ?? [])',
    replace: 'const shared = settings.allow_upgrades ?? []',
    tests: ['src/config/keys/upgrades.test.ts'],
    breaks: 'A global list of upgrades turns every gRPC service off.',
  },
]
