import { command } from '../command.ts'
import { CONFIG, WITHOUT_SECRETS } from '../options.ts'

export const VALIDATE = command({
  summary: 'report every mistake of a configuration file; starts nothing',
  names: [{ shown: '[FILE]', isPath: true }],
  options: { config: CONFIG, 'without-secrets': WITHOUT_SECRETS },
  examples: [
    ['sallyport validate', './config.yaml'],
    ['sallyport validate new.yaml', 'before it takes the place of another'],
  ],
  exits: '1: it would not be served',
  async run({ config, 'without-secrets': withoutSecrets }, [file]) {
    const { validate } = await import('../validate.ts')
    return validate(config ?? file ?? 'config.yaml', process.env, process.stdout, { withoutSecrets })
  },
})
