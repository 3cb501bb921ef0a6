/**
 * What `sallyport doctor` has found, and how it is told.
 *
 * @module
 */
import { plain } from '../../plain-text.ts'

export interface Finding {
  /** Which check: `dns`. */
  readonly check: string
  /** `problem`: people would notice. */
  readonly state: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do about it, and where more is told; both are there unless all is well. */
  readonly fix?: string
  readonly link?: string
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message })

export const warning = (check: string, message: string, fix: string, link: string): Finding => ({
  check,
  state: 'warning',
  message,
  fix,
  link,
})

export const problem = (check: string, message: string, fix: string, link: string): Finding => ({
  check,
  state: 'problem',
  message,
  fix,
  link,
})

export function findingText({ check, state, message, fix, link }: Finding): string {
  const head = `${state.padEnd(8)} ${check.padEnd(13)} ${plain(message)}\n`
  return state === 'ok' ? head : `${head}         fix: ${plain(fix ?? '')}\n         see: ${link ?? ''}\n`
}
