import { command } from '../command.ts'
import { ENVOY, STATE_DIR } from '../options.ts'

export const DEMO = command({
  summary: 'run the demo: an OpenID provider, a sample app, https://app.localhost:8443',
  names: [],
  options: { 'state-dir': STATE_DIR, envoy: ENVOY },
  examples: [['sallyport demo', 'also where there is a config.yaml']],
  async run(values) {
    const { serve } = await import('../serve.ts')
    return await serve({
      configFile: undefined,
      stateDir: values['state-dir'],
      runDir: undefined,
      envoy: values.envoy ?? 'managed',
      demo: true,
    })
  },
})
