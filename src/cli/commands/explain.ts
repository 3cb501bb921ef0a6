import { command } from '../command.ts'
import { CONFIG, JSON_OUTPUT, STATE_DIR, WITHOUT_SECRETS } from '../options.ts'

export const EXPLAIN = command({
  summary: 'which route, which criteria, and why: of a URL, or of a decision in a log; starts nothing',
  names: [{ shown: 'URL|DECISION-ID' }],
  options: {
    config: CONFIG,
    log: {
      type: 'string',
      value: 'FILE',
      isPath: true,
      about: 'decision log with the decision; - for standard input',
    },
    as: {
      type: 'string',
      value: 'WHO',
      about: 'a name under test_subjects, an e-mail address, or anonymous',
    },
    user: { type: 'string', value: 'ID', about: 'their user id' },
    email: { type: 'string', value: 'ADDRESS', about: 'their e-mail address' },
    groups: { type: 'string', value: 'A,B', about: 'their groups, or "unknown"' },
    claim: {
      type: 'string',
      multiple: true,
      value: 'NAME=VALUE',
      about: 'a claim that they have; may be given again',
    },
    session: {
      type: 'string',
      value: 'ID',
      about: 'instead: a session of the state folder, judged as by the proxy',
    },
    'state-dir': STATE_DIR,
    method: { type: 'string', value: 'METHOD', about: 'of the request (default GET)' },
    ip: { type: 'string', value: 'ADDRESS', about: 'of the client' },
    header: {
      type: 'string',
      multiple: true,
      value: '"NAME: VALUE"',
      about: 'of the request; may be given again',
    },
    time: {
      type: 'string',
      value: 'TIME',
      about: 'with its zone, such as 2026-03-02T09:00:00+01:00 (default now)',
    },
    'without-secrets': WITHOUT_SECRETS,
    json: JSON_OUTPUT,
  },
  examples: [
    [
      'sallyport explain https://app.example.com/admin --as alice@example.com --groups staff',
      'somebody made up',
    ],
    ['sallyport explain https://app.example.com/ --session u3xY…', 'somebody who is signed in'],
    ['sallyport explain 77aa01bc --log decisions.log', 'the id on a page of a refusal'],
  ],
  exits: '1: there is nothing to explain; 3: it would not pass, or it cannot be told',
  async run(values, [what]) {
    const { explain } = await import('../explain.ts')
    return await explain({ ...values, what }, process)
  },
})
