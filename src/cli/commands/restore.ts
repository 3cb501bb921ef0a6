import { Fault } from '../../errors.ts'
import { command } from '../command.ts'
import { CONFIG, STATE_DIR } from '../options.ts'

export const RESTORE = command({
  summary: 'put a backup in the place of the state folder, the whole or nothing; Sallyport must not run',
  names: [{ shown: 'FILE', isPath: true }],
  options: {
    config: CONFIG,
    'state-dir': STATE_DIR,
    'with-sessions': {
      type: 'boolean',
      about: 'also sessions, and with them those that were signed out since the backup',
    },
  },
  examples: [['sallyport restore sallyport-2027-01-31.backup', 'what was there before is kept beside it']],
  async run(values, [file]) {
    if (file === undefined) throw new Fault('USAGE', 'restore needs the name of a backup')
    const { restore } = await import('../backup/restore.ts')
    return restore({ ...values, file }, process)
  },
})
