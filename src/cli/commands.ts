/**
 * All commands, in the order in which the help shows them. A command is a file in `commands/` and a line
 * here.
 *
 * @module
 */
import type { Commands } from './command.ts'
import { BACKUP } from './commands/backup.ts'
import { COMPLETION } from './commands/completion.ts'
import { DEMO } from './commands/demo.ts'
import { DIFF } from './commands/diff.ts'
import { DOCTOR } from './commands/doctor.ts'
import { EXPLAIN } from './commands/explain.ts'
import { HEALTHCHECK } from './commands/healthcheck.ts'
import { INIT } from './commands/init.ts'
import { RESTORE } from './commands/restore.ts'
import { SERVE } from './commands/serve.ts'
import { SERVICE_ACCOUNT } from './commands/service-account.ts'
import { TEST } from './commands/test.ts'
import { VALIDATE } from './commands/validate.ts'
import { VERSION } from './commands/version.ts'

export const COMMANDS: Commands = {
  serve: SERVE,
  demo: DEMO,
  validate: VALIDATE,
  test: TEST,
  explain: EXPLAIN,
  diff: DIFF,
  doctor: DOCTOR,
  init: INIT,
  healthcheck: HEALTHCHECK,
  'service-account': SERVICE_ACCOUNT,
  backup: BACKUP,
  restore: RESTORE,
  completion: COMPLETION,
  version: VERSION,
}
