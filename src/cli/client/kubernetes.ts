import { command } from '../command.ts'
import { ASKING, EXITS } from './options.ts'

const ACTIONS = ['exec-credential', 'flush-credentials'] as const

export const KUBERNETES = command({
  summary: 'credentials for kubectl, as a plugin of its configuration',
  also: 'k8s',
  names: [{ shown: ACTIONS.join('|'), choices: ACTIONS }, { shown: '[URL]' }],
  options: ASKING,
  examples: [
    ['sallyport kubernetes exec-credential https://cluster.example.com', 'what kubectl runs'],
    ['sallyport kubernetes flush-credentials', 'the next kubectl signs in anew'],
  ],
  exits: EXITS,
  async run(values, [action, address]) {
    const { execCredentials, flushCredentials } = await import('./run-kubernetes.ts')
    return action === 'exec-credential' ? await execCredentials(address, values) : flushCredentials(address)
  },
})
