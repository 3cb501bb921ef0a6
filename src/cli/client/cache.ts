import { command } from '../command.ts'

const ACTIONS = ['clear', 'location'] as const

export const CACHE = command({
  summary: 'where your tokens are kept on this computer',
  names: [{ shown: ACTIONS.join('|'), choices: ACTIONS }],
  options: {},
  examples: [
    ['sallyport cache location', 'prints the folder'],
    ['sallyport cache clear', 'takes all tokens off this computer'],
  ],
  async run(_, [action]) {
    const { openStore } = await import('./open-client.ts')
    const store = openStore()
    if (action === 'clear') store.clear()
    else process.stdout.write(`${store.folder.path}\n`)
    return 0
  },
})
