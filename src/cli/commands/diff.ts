import { command } from '../command.ts'
import { KINDS } from '../diff/kinds.ts'
import { CONFIG, JSON_OUTPUT } from '../options.ts'

export const DIFF = command({
  summary: 'who gains and who loses by a new configuration, by the decisions of a log',
  names: [{ shown: 'NEW', isPath: true }],
  options: {
    against: { type: 'string', value: 'LOG', isPath: true, about: 'decision log; - for standard input' },
    config: { ...CONFIG, about: "today's configuration, to tell what it would change by itself" },
    format: { type: 'string', value: 'FORM', choices: ['text', 'markdown'], about: 'text or markdown' },
    'fail-on': {
      type: 'string',
      value: 'KINDS',
      choices: KINDS,
      isList: true,
      about:
        'changes that make the exit code 1: gain, lose, unknown, observed, other (default gain,lose,unknown)',
    },
    json: JSON_OUTPUT,
  },
  examples: [
    ['sallyport diff new.yaml --against decisions.log', 'before a change'],
    [
      'sallyport diff config.yaml --config main/config.yaml --against decisions.log --format markdown',
      'in a pull request',
    ],
  ],
  exits: '1: somebody gains or loses, or it cannot be told',
  async run(values, [candidate]) {
    const { diff } = await import('../diff.ts')
    return await diff({ ...values, candidate }, process)
  },
})
