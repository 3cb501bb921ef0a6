/**
 * A real Chromium, driven by playwright-core, that trusts one test certificate by its key.
 *
 * @module
 */
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import { spkiHash } from './test-ca.ts'

export interface ChromiumOptions {
  /** From `parts.chromium()`. */
  readonly executablePath: string
  /** PEM of the certificate that the edge shows. */
  readonly trustedCert: string
}

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--disable-quic',
]

export async function startChromium({ executablePath, trustedCert }: ChromiumOptions): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    headless: true,
    args: [...QUIET, `--ignore-certificate-errors-spki-list=${spkiHash(trustedCert)}`],
  })
}

/** A fresh user: no cookies, and every console error and failed page kept for the failure message. */
export async function freshContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext()
  context.setDefaultTimeout(15_000)
  return context
}
