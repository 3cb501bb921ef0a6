/**
 * All commands, in the order in which the help shows them. A command is a file in `commands/` and a line
 * here. Those of users stand in `client/`, as a package of their own has them, too.
 *
 * @module
 */
import { CLIENT_GROUP } from './client/commands.ts'
import { type CommandGroup, type Commands, commandsOf } from './command.ts'
import { BACKUP } from './commands/backup.ts'
import { COMPLETION } from './commands/completion.ts'
import { DEMO } from './commands/demo.ts'
import { DIFF } from './commands/diff.ts'
import { DOCTOR } from './commands/doctor.ts'
import { EXPLAIN } from './commands/explain.ts'
import { HEALTHCHECK } from './commands/healthcheck.ts'
import { IMPORT } from './commands/import.ts'
import { INIT } from './commands/init.ts'
import { RESTORE } from './commands/restore.ts'
import { SERVE } from './commands/serve.ts'
import { SERVICE_ACCOUNT } from './commands/service-account.ts'
import { SESSION } from './commands/session.ts'
import { TEST } from './commands/test.ts'
import { VALIDATE } from './commands/validate.ts'
import { VERSION } from './commands/version.ts'
import { WAIT_READY } from './commands/wait-ready.ts'

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    heading: 'Run the proxy',
    commands: {
      serve: SERVE,
      demo: DEMO,
      init: INIT,
      import: IMPORT,
      doctor: DOCTOR,
      healthcheck: HEALTHCHECK,
      'wait-ready': WAIT_READY,
      'service-account': SERVICE_ACCOUNT,
      session: SESSION,
      backup: BACKUP,
      restore: RESTORE,
    },
  },
  {
    heading: 'Check a configuration',
    commands: { validate: VALIDATE, test: TEST, explain: EXPLAIN, diff: DIFF },
  },
  CLIENT_GROUP,
  { heading: 'This program', commands: { completion: COMPLETION, version: VERSION } },
]

export const COMMANDS: Commands = commandsOf(COMMAND_GROUPS)
