import { Fault } from '../../errors.ts'
import { command } from '../command.ts'
import { CONFIG, STATE_DIR } from '../options.ts'

export const BACKUP = command({
  summary:
    'write the state folder to one file: secrets, certificates, service accounts; works while Sallyport runs',
  names: [{ shown: 'FILE', isPath: true }],
  options: { config: CONFIG, 'state-dir': STATE_DIR },
  examples: [['sallyport backup sallyport-2027-01-31.backup', 'only its owner can read it']],
  async run(values, [file]) {
    if (file === undefined) throw new Fault('USAGE', 'backup needs the name of the file to write')
    const { backup } = await import('../backup/backup.ts')
    return backup({ ...values, file }, process)
  },
})
