#!/usr/bin/env node
/**
 * The command line: argv → one command. Faults are printed as sentences; anything else is a bug with its stack.
 *
 * @module
 */
import { parseArgs } from 'node:util'
import { rowOf } from '../config/table-row.ts'
import { Fault, reasonOf } from '../errors.ts'

const USAGE = `sallyport: identity-aware access proxy that drives a stock Envoy

Usage: sallyport <command> [options]

  serve      run the proxy with ./config.yaml; without one, run the demo
  demo       run the demo: an OpenID provider, a sample app, https://app.localhost:8443
  validate   report every mistake of a configuration file; starts nothing
  test       run the tests of a configuration file; starts nothing
  explain    URL, or DECISION-ID --log FILE: which route, which criteria, and why; starts nothing
  diff NEW --against LOG
             who gains and who loses by a new configuration, by the decisions of a log
  init DIR   write a commented config.yaml, secrets and a compose folder for your domain
  service-account create NAME | list | show NAME | revoke NAME
             identities for machines; works while Sallyport runs
  version    print the version

Options
  -c, --config FILE     configuration file (default ./config.yaml; serve, validate, test, explain, service-account);
                        the one of today, to tell what it would change by itself (diff)
      --state-dir DIR   sessions, certificates, secrets, sockets (default .sallyport beside the file; serve, demo,
                        service-account)
      --run-dir DIR     where the sockets for Envoy are made (default: in the state folder; serve)
      --envoy MODE      managed: start Envoy as a child (default); external: it is started elsewhere (serve)
      --domain NAME     your domain (init)
      --expires TIME    90d, 12h, or a date such as 2027-01-31; without it the token has no end (service-account create)
      --groups A,B      groups that policies and apps see (service-account create, explain)
      --email ADDRESS   e-mail address that they see (service-account create, explain)
      --user ID         acts in the place of this user id, instead of service-account/NAME (service-account create, explain)
      --route NAME      may be used on this route or host only; may be given again (service-account create)
      --description TEXT  what it is for (service-account create)
      --as WHO          a name under test_subjects, an e-mail address, or anonymous (explain)
      --claim NAME=VALUE  a claim that they have; may be given again (explain)
      --session ID      a session of the state folder (explain)
      --method, --ip, --header, --time  of the request (explain)
      --log FILE        decision log; - for standard input (explain)
      --against LOG     decision log; - for standard input (diff)
      --format FORM     text or markdown (diff)
      --fail-on KINDS   changes that make exit code 1: gain, lose, unknown (default all three; diff)
      --json            for programs (test, explain, diff, service-account create, list, show)
  -h, --help
      --version
`

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  'state-dir': { type: 'string' },
  'run-dir': { type: 'string' },
  envoy: { type: 'string' },
  domain: { type: 'string' },
  expires: { type: 'string' },
  groups: { type: 'string' },
  email: { type: 'string' },
  user: { type: 'string' },
  route: { type: 'string', multiple: true },
  description: { type: 'string' },
  as: { type: 'string' },
  claim: { type: 'string', multiple: true },
  session: { type: 'string' },
  method: { type: 'string' },
  ip: { type: 'string' },
  header: { type: 'string', multiple: true },
  time: { type: 'string' },
  log: { type: 'string' },
  against: { type: 'string' },
  format: { type: 'string' },
  'fail-on': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

type Option = keyof typeof OPTIONS

const WHO = ['as', 'user', 'email', 'groups', 'claim', 'session'] as const

/** What each command takes: whatever else is given was meant to do something, and would do nothing. */
const COMMANDS: Readonly<Record<string, { readonly options: readonly Option[]; readonly names: number }>> = {
  serve: { options: ['config', 'state-dir', 'run-dir', 'envoy'], names: 0 },
  demo: { options: ['state-dir', 'envoy'], names: 0 },
  validate: { options: ['config'], names: 1 },
  test: { options: ['config', 'json'], names: 1 },
  explain: {
    options: ['config', 'state-dir', 'log', ...WHO, 'method', 'ip', 'header', 'time', 'json'],
    names: 1,
  },
  diff: { options: ['config', 'against', 'format', 'fail-on', 'json'], names: 1 },
  init: { options: ['domain'], names: 1 },
  'service-account': {
    options: ['config', 'state-dir', 'expires', 'groups', 'email', 'user', 'route', 'description', 'json'],
    names: 2,
  },
  version: { options: [], names: 0 },
  help: { options: [], names: 0 },
}

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parse(argv)
  const [command = values.version ? 'version' : 'help', ...rest] = positionals
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  refuseWhatIsNotTaken(command, Object.keys(values), rest)
  // Each command loads what it needs: `validate` should not wait for the proxy's libraries.
  switch (command) {
    case 'serve':
    case 'demo': {
      const { serve } = await import('./serve.ts')
      return await serve({
        configFile: values.config,
        stateDir: values['state-dir'],
        runDir: values['run-dir'],
        envoy: envoyMode(values.envoy ?? process.env['SALLYPORT_ENVOY']),
        demo: command === 'demo',
      })
    }
    case 'validate': {
      const { validate } = await import('./validate.ts')
      return validate(values.config ?? rest[0] ?? 'config.yaml', process.env, process.stdout)
    }
    case 'test': {
      const { test } = await import('./test.ts')
      const file = values.config ?? rest[0] ?? 'config.yaml'
      return test({ file, json: values.json }, process.env, process.stdout)
    }
    case 'explain': {
      const { explain } = await import('./explain.ts')
      return await explain({ ...values, what: rest[0] }, process)
    }
    case 'diff': {
      const { diff } = await import('./diff.ts')
      return await diff({ ...values, candidate: rest[0] }, process)
    }
    case 'init': {
      const { init } = await import('./init.ts')
      return await init({ directory: rest[0] ?? '.', domain: values.domain }, process.stdout)
    }
    case 'service-account': {
      const { serviceAccount } = await import('./service-account.ts')
      const [action, name] = rest
      return await serviceAccount({ ...values, action, name }, process)
    }
    case 'version': {
      const { version } = await import('./version.ts')
      process.stdout.write(`sallyport ${version()}\n`)
      return 0
    }
    case 'help':
      process.stdout.write(USAGE)
      return 0
    default:
      throw new Fault('USAGE', `unknown command "${command}"; see sallyport --help`)
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    // Node goes on to explain `--`, of which no command here has a use.
    const [what] = reasonOf(error).split('. To specify ')
    throw new Fault('USAGE', `${what}; see sallyport --help`, { cause: error })
  }
}

function refuseWhatIsNotTaken(command: string, given: readonly string[], names: readonly string[]): void {
  const taken = rowOf(COMMANDS, command)
  if (taken === undefined) return
  const stray = given.find((option) => option !== 'version' && !taken.options.some((name) => name === option))
  if (stray !== undefined) throw new Fault('USAGE', `${command} has no --${stray}; see sallyport --help`)
  const extra = names[taken.names]
  if (extra === undefined) return
  const instead = command === 'serve' ? `; name a configuration file with --config ${extra}` : ''
  throw new Fault('USAGE', `${command} does not take "${extra}"${instead || '; see sallyport --help'}`)
}

function envoyMode(value: string | undefined): 'managed' | 'external' {
  if (value === undefined || value === 'managed') return 'managed'
  if (value === 'external') return 'external'
  throw new Fault('USAGE', `--envoy is "managed" or "external", not "${value}"`)
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Fault)) throw error
  process.stderr.write(`sallyport: ${error.message}\n`)
  process.exitCode = error.code === 'USAGE' ? 2 : 1
}
