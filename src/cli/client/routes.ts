import { command } from '../command.ts'
import { JSON_OUTPUT } from '../options.ts'
import { ASKING, EXITS } from './options.ts'

export const ROUTES = command({
  summary: 'list the routes that you may open',
  names: [{ shown: '[list]', choices: ['list'], orAddress: true }, { shown: '[URL]' }],
  options: { ...ASKING, json: JSON_OUTPUT },
  examples: [
    ['sallyport routes list https://app.example.com', 'the address of any route does'],
    ['sallyport routes', 'where you are signed in at one server'],
  ],
  exits: EXITS,
  async run(values, [word, address]) {
    const { routes } = await import('./run-routes.ts')
    return await routes(word?.includes('://') === true ? word : address, values)
  },
})
