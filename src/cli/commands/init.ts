import { command } from '../command.ts'

export const INIT = command({
  summary: 'write a commented config.yaml, secrets and a compose folder for your domain',
  names: [{ shown: 'DIR', isPath: true }],
  options: { domain: { type: 'string', value: 'NAME', about: 'your domain' } },
  examples: [['sallyport init proxy --domain example.com', 'into the folder proxy']],
  async run({ domain }, [directory = '.']) {
    const { init } = await import('../init.ts')
    return await init({ directory, domain }, process.stdout)
  },
})
