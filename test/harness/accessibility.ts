/**
 * What axe finds on a page: contrast, names, order of headings, roles and the like.
 *
 * Pages of ours run no scripts, so what Chromium made of them is looked at in a page of its own.
 *
 * @module
 */
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'

interface Look {
  readonly colorScheme: 'light' | 'dark'
  readonly size: { readonly width: number; readonly height: number }
}

interface Found {
  readonly rule: string
  readonly impact: string | null | undefined
  readonly at: readonly string[]
}

/** What is wrong with a page, in one look of it. */
export async function axeFindings(
  browser: Browser,
  page: Page,
  { colorScheme, size }: Look,
): Promise<readonly Found[]> {
  const context = await browser.newContext({ colorScheme, viewport: size })
  try {
    const copy = await context.newPage()
    await copy.setContent(await page.content())
    await copy.addScriptTag({ content: axe.source })
    const { violations } = await copy.evaluate(async () => {
      const { axe: there } = globalThis as unknown as { readonly axe: typeof axe }
      return await there.run({ resultTypes: ['violations'] })
    })
    return violations.map(({ id, impact, nodes }) => ({
      rule: id,
      impact,
      at: nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)),
    }))
  } finally {
    await context.close()
  }
}
