import type { XdsService } from '../xds/service.ts'

const DAY_MS = 86_400_000

/** The local CA's certificates are renewed long before they end, but only when somebody asks. */
export function renewCertificatesDaily(xds: XdsService): Disposable {
  const timer = setInterval(() => void xds.refresh(), DAY_MS).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
