/**
 * What makes Sallyport ready: Envoy is there, and has accepted what it was told.
 *
 * @module
 */
import type { EnvoySupervisor } from '../../envoy/supervise.ts'
import type { Check } from '../telemetry/health-server.ts'
import type { XdsService } from '../xds/service.ts'

export function readinessOf(
  xds: XdsService,
  envoy: EnvoySupervisor | undefined,
  isStopping: () => boolean,
): Readonly<Record<string, Check>> {
  return {
    envoy: () => {
      if (isStopping()) return 'is being stopped'
      if (envoy !== undefined && envoy.status().pid === undefined) return 'not running'
      if (envoy?.status().isSilent === true) return 'does not answer'
      return xds.status().connected === 0 ? 'no Envoy is connected' : undefined
    },
    xds: () => {
      const { perType, refused } = xds.status()
      if (refused.length > 0) return refused.map(({ name, message }) => `${name}: ${message}`).join('; ')
      return Object.values(perType).every(({ acked }) => acked) ? undefined : 'waiting for Envoy to accept'
    },
  }
}
