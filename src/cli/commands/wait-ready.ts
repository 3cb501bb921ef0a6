import { command } from '../command.ts'
import { CONFIG } from '../options.ts'

export const WAIT_READY = command({
  summary: 'wait until a running Sallyport serves, with Envoy connected',
  names: [{ shown: '[HOST:PORT]' }],
  options: {
    config: { ...CONFIG, about: 'ask at the health_check_addr of this file (default 127.0.0.1:28080)' },
    wait: { type: 'string', value: 'SECONDS', about: 'give up after that (default 60)' },
  },
  examples: [['systemctl restart sallyport && sallyport wait-ready', 'before what needs it is tried']],
  exits: '1: it is not ready by then; standard error says why',
  async run({ config, wait = '60' }, [address]) {
    const { addressIn, healthcheck } = await import('../healthcheck.ts')
    return await healthcheck(
      { address: address ?? (await addressIn(config)), what: 'ready', wait },
      process.stderr,
    )
  },
})
