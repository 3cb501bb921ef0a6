import { command } from '../command.ts'
import { CONFIG } from '../options.ts'

export const HEALTHCHECK = command({
  summary: 'ask a running Sallyport whether it is well, or wait until it is',
  names: [{ shown: '[HOST:PORT]' }],
  options: {
    config: { ...CONFIG, about: 'ask at the health_check_addr of this file (default 127.0.0.1:28080)' },
    ready: { type: 'boolean', about: 'whether it is ready to serve (/readyz), not only alive (/healthz)' },
    process: { type: 'string', value: 'PID', about: 'ask no more once this process is gone' },
    wait: { type: 'string', value: 'SECONDS', about: 'ask again until then (default 0: ask once)' },
  },
  examples: [
    ['sallyport healthcheck', 'of a container; the default is that of health_check_addr, 127.0.0.1:28080'],
    ['sallyport healthcheck --ready --wait 60', 'before what needs it is started'],
  ],
  exits: '1: it is not well, or does not answer; standard error says why',
  async run({ config, process: pid, ready = false, wait = '0' }, [address]) {
    const { addressIn, healthcheck } = await import('../healthcheck.ts')
    return await healthcheck(
      { address: address ?? (await addressIn(config)), what: ready ? 'ready' : 'alive', wait, pid },
      process.stderr,
    )
  },
})
