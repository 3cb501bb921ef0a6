import { command } from '../command.ts'
import { CONFIG, JSON_OUTPUT, STATE_DIR } from '../options.ts'

export const SESSION = command({
  summary: 'who is signed in, and how to end it; works while Sallyport runs',
  names: [{ shown: 'list|show|end', choices: ['list', 'show', 'end'] }, { shown: '[ID]' }],
  options: {
    config: CONFIG,
    'state-dir': STATE_DIR,
    user: { type: 'string', value: 'WHO', about: 'user id or e-mail address (list, end)' },
    all: { type: 'boolean', about: 'of everybody (end)' },
    json: { ...JSON_OUTPUT, about: 'for programs' },
  },
  examples: [
    ['sallyport session list --user alice@example.com', 'where Alice is signed in'],
    [
      'sallyport session end --user alice@example.com',
      'signs her out everywhere, with all that she has open',
    ],
  ],
  exits: '1: there is no such session',
  async run(values, [action, id]) {
    const { session } = await import('../state/session.ts')
    return await session({ ...values, action, id }, process)
  },
})
