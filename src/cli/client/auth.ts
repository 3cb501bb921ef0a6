import { command } from '../command.ts'
import { JSON_OUTPUT } from '../options.ts'
import { ASKING, EXITS } from './options.ts'

const ACTIONS = ['login', 'token', 'logout', 'status'] as const

export const AUTH = command({
  summary: 'sign in by a browser, and get the token for other programs',
  names: [{ shown: ACTIONS.join('|'), choices: ACTIONS, orAddress: true }, { shown: '[URL]' }],
  options: {
    ...ASKING,
    header: { type: 'boolean', about: 'the whole line of the header, not the token alone (token)' },
    json: { ...JSON_OUTPUT, about: 'for programs (status)' },
  },
  examples: [
    ['sallyport auth login https://app.example.com', 'signs you in'],
    [
      'sallyport auth token --header https://app.example.com | curl -H @- https://app.example.com/',
      'asks the app in your name; "sallyport auth URL" prints the token alone',
    ],
    ['sallyport auth logout', 'takes all tokens off this computer'],
  ],
  exits: EXITS,
  async run(values, [word, address]) {
    const { auth } = await import('./run-auth.ts')
    const isAddress = word?.includes('://') === true
    return await auth(isAddress ? 'token' : word, isAddress ? word : address, values)
  },
})
