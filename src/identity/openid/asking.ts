/**
 * How a provider is doing: each exchange with it is noted, for the log and for `/status`.
 *
 * @module
 */
import { Fault } from '../../errors.ts'
import type { ProviderStatus } from '../provider.ts'
import { type Step, toProviderFault } from './provider-faults.ts'

export interface ProviderLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface Asking {
  readonly status: ProviderStatus
  /** Runs one exchange with the provider; what it throws is a fault, and noted. */
  ask<T>(step: Step, act: () => Promise<T>): Promise<T>
  /** The same, to see how it is doing: whoever asks tells of it. */
  check(act: () => Promise<unknown>): Promise<void>
  /** Of the UserInfo endpoint; `undefined` when it has told. Logged once for each trouble. */
  noteUserInfo(trouble: Fault | undefined): void
}

export function createAsking({
  issuer,
  now,
  logger,
}: {
  readonly issuer: string
  readonly now: () => number
  readonly logger: ProviderLogger | undefined
}): Asking {
  let status: ProviderStatus = { state: 'idle' }
  return {
    get status() {
      return status
    },
    async ask(step, act) {
      try {
        const answer = await act()
        if (status.state === 'unreachable') logger?.info({ issuer }, 'identity provider is back')
        status = { ...status, state: 'ready' }
        return answer
      } catch (error) {
        const fault = toProviderFault(error, step, issuer, now())
        if (fault instanceof Fault && fault.code !== 'IDP_REFUSED') {
          logger?.warn({ issuer, code: fault.code, err: fault.message }, `identity provider: ${step} failed`)
          const state = fault.code === 'IDP_UNREACHABLE' ? 'unreachable' : status.state
          status = { ...status, state, lastFault: { at: now(), message: fault.message } }
        }
        throw fault
      }
    },
    async check(act) {
      try {
        await act()
        status = { ...status, state: 'ready' }
      } catch (error) {
        const fault = toProviderFault(error, 'discovery', issuer, now())
        if (fault instanceof Fault) {
          const state = fault.code === 'IDP_UNREACHABLE' ? 'unreachable' : 'invalid'
          status = { ...status, state, lastFault: { at: now(), message: fault.message } }
        }
        throw fault
      }
    },
    noteUserInfo(trouble) {
      const { userInfo: before, ...rest } = status
      if (trouble === undefined) {
        status = rest
        return
      }
      status = { ...rest, userInfo: { at: now(), message: trouble.message } }
      if (before?.message !== trouble.message)
        logger?.warn(
          { issuer, err: trouble.message },
          'userinfo does not tell of people: they are signed in by their ID token alone',
        )
    },
  }
}
