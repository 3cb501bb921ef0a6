import { command } from '../command.ts'
import { CONFIG, ENVOY, STATE_DIR } from '../options.ts'

export const SERVE = command({
  summary: 'run the proxy with ./config.yaml; without one, run the demo',
  names: [],
  options: {
    config: CONFIG,
    'state-dir': STATE_DIR,
    'run-dir': {
      type: 'string',
      value: 'DIR',
      isPath: true,
      about: 'where the sockets for Envoy are made (default: in the state folder)',
    },
    envoy: ENVOY,
  },
  examples: [
    ['sallyport serve', 'the configuration of this folder'],
    [
      'sallyport serve --config /etc/sallyport/config.yaml --envoy external',
      'beside an Envoy in a container',
    ],
  ],
  exits: '78: the configuration can not be used, so that starting again does not help; 1: any other fault',
  async run(values) {
    const { exitCodeOf, serve } = await import('../serve.ts')
    try {
      return await serve({
        configFile: values.config,
        stateDir: values['state-dir'],
        runDir: values['run-dir'],
        envoy: values.envoy ?? 'managed',
        demo: false,
      })
    } catch (error) {
      return exitCodeOf(error, process.stderr)
    }
  },
})
