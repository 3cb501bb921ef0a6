import { command } from '../command.ts'
import { CONFIG, JSON_OUTPUT, STATE_DIR } from '../options.ts'

export const DOCTOR = command({
  summary: 'look at DNS, certificates, ports, Envoy, upstreams, the provider and the clock; starts nothing',
  names: [],
  options: { config: CONFIG, 'state-dir': STATE_DIR, json: JSON_OUTPUT },
  examples: [['sallyport doctor', 'each finding with what to do about it']],
  exits: '1: something is a problem',
  async run(values) {
    const { doctor } = await import('../doctor/doctor.ts')
    return await doctor(values, process)
  },
})
