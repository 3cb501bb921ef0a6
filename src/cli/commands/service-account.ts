import { command } from '../command.ts'
import { CONFIG, JSON_OUTPUT, STATE_DIR } from '../options.ts'

export const SERVICE_ACCOUNT = command({
  summary: 'identities for machines; works while Sallyport runs',
  names: [
    { shown: 'create|list|show|revoke', choices: ['create', 'list', 'show', 'revoke'] },
    { shown: '[NAME]' },
  ],
  options: {
    config: CONFIG,
    'state-dir': STATE_DIR,
    expires: {
      type: 'string',
      value: 'TIME',
      about: '90d, 12h, or a date such as 2027-01-31; without it the token has no end (create)',
    },
    groups: { type: 'string', value: 'A,B', about: 'groups that policies and apps see (create)' },
    email: { type: 'string', value: 'ADDRESS', about: 'e-mail address that they see (create)' },
    user: {
      type: 'string',
      value: 'ID',
      about: 'acts in the place of this user id, instead of service-account/NAME (create)',
    },
    route: {
      type: 'string',
      multiple: true,
      value: 'NAME',
      about: 'may be used on this route or host only; may be given again (create)',
    },
    description: { type: 'string', value: 'TEXT', about: 'what it is for (create)' },
    force: {
      type: 'boolean',
      about: 'although no Sallyport has run with the state folder yet, or a --route is not known (create)',
    },
    json: { ...JSON_OUTPUT, about: 'for programs (create, list, show)' },
  },
  examples: [
    ['sallyport service-account create deploy --groups ci --expires 90d', 'prints its token, once'],
    ['sallyport service-account revoke deploy', 'ends it at once'],
  ],
  exits: '1: there is no such account, or already one',
  async run(values, [action, name]) {
    const { serviceAccount } = await import('../state/service-account.ts')
    return await serviceAccount({ ...values, action, name }, process)
  },
})
