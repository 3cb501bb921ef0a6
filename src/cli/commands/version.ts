import { command } from '../command.ts'

export const VERSION = command({
  summary: 'print the version',
  names: [],
  options: {},
  examples: [],
  async run() {
    const { version } = await import('../../form/installation.ts')
    process.stdout.write(`sallyport ${version()}\n`)
    return 0
  },
})
