import { command } from '../command.ts'
import { CONFIG, JSON_OUTPUT, WITHOUT_SECRETS } from '../options.ts'

export const TEST = command({
  summary: 'run the tests of a configuration file; starts nothing',
  names: [{ shown: '[FILE]', isPath: true }],
  options: { config: CONFIG, json: JSON_OUTPUT, 'without-secrets': WITHOUT_SECRETS },
  examples: [['sallyport test', 'the tests beside policies and routes of ./config.yaml']],
  exits: '1: a test has failed',
  async run({ config, json, 'without-secrets': withoutSecrets }, [file]) {
    const { test } = await import('../test.ts')
    return test({ file: config ?? file ?? 'config.yaml', json, withoutSecrets }, process.env, process.stdout)
  },
})
