/**
 * `sallyport doctor`: looks at what a configuration needs outside of itself, and says how to mend what is not
 * well.
 *
 * @module
 */
import { CHECKS as CONFIG_CHECKS } from '../../access/config-checks.ts'
import { loadWithWarnings } from '../../config/file/load.ts'
import { Fault, reasonOf } from '../../errors.ts'
import { stateDirFor } from '../../session/open-state.ts'
import { count } from '../table.ts'
import { CHECKS, type Check, type Patient } from './checks.ts'
import { type Finding, findingText, problem } from './finding.ts'

export interface DoctorCommand {
  readonly config?: string | undefined
  readonly 'state-dir'?: string | undefined
  readonly json?: boolean | undefined
}

interface Terminal {
  readonly stdout: { write(text: string): unknown }
  readonly env: Patient['env']
}

/** @returns the exit code: 1 when something is a problem */
export async function doctor(
  { config: file = 'config.yaml', 'state-dir': stateDir, json = false }: DoctorCommand,
  { stdout, env }: Terminal,
  checks: readonly Check[] = CHECKS,
): Promise<number> {
  const findings: Finding[] = []
  const tell = (found: readonly Finding[]): void => {
    findings.push(...found)
    if (!json) for (const finding of found) stdout.write(findingText(finding))
  }
  const patient = admit(file, stateDir, env)
  if ('state' in patient) tell([patient])
  else for (const check of checks) tell(await safely(check, patient))
  if (json) stdout.write(`${JSON.stringify(findings)}\n`)
  const problems = findings.filter(({ state }) => state === 'problem').length
  const warnings = findings.filter(({ state }) => state === 'warning').length
  if (!json) stdout.write(`${count(problems, 'problem')}, ${count(warnings, 'warning')}\n`)
  return problems === 0 ? 0 : 1
}

function admit(file: string, stateDir: string | undefined, env: Patient['env']): Patient | Finding {
  try {
    const { config, warnings } = loadWithWarnings(file, { env, ...CONFIG_CHECKS })
    return { config, warnings, env, stateDir: stateDirFor(file, stateDir), now: Date.now }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return problem(
      'config',
      error.message,
      `sallyport validate ${file} tells all mistakes`,
      'docs/configuration.md',
    )
  }
}

async function safely(check: Check, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await check(patient)
  } catch (error) {
    return [
      problem(
        check.name,
        `could not be looked at: ${reasonOf(error)}`,
        'run it again; if it stays, report it as a bug',
        'docs/errors.md',
      ),
    ]
  }
}
