import { Fault } from '../../errors.ts'
import { command } from '../command.ts'
import { ORIGINS } from '../import/origins.ts'

export const IMPORT = command({
  summary: 'a configuration from that of another proxy, with what could not be kept',
  names: [
    { shown: 'FROM', choices: ORIGINS },
    { shown: 'FILE', isPath: true },
  ],
  options: {
    with: {
      type: 'string',
      value: 'FILE',
      multiple: true,
      isPath: true,
      about: 'a further file of the same program, such as its environment; the first file wins',
    },
    upstream: {
      type: 'string',
      value: 'HOST=URL',
      multiple: true,
      about: 'where the app of a host is, for programs that do not know it',
    },
    host: { type: 'string', value: 'HOST', about: 'the host of the app, where the files do not say it' },
  },
  examples: [
    [
      'sallyport import oauth2-proxy oauth2-proxy.cfg > config.yaml',
      'what was not kept is told on the screen',
    ],
    [
      'sallyport import authelia configuration.yml --upstream wiki.example.com=http://wiki:3000',
      'with the address of an app',
    ],
  ],
  async run(values, [from, file]) {
    if (file === undefined) throw new Fault('USAGE', `import ${from} needs the name of a file`)
    const { importFrom } = await import('../import/import.ts')
    return importFrom(from, { ...values, file }, process)
  },
})
