/**
 * Groups of somebody at Microsoft Graph, for the tokens of Entra ID that only say that there are too many.
 *
 * @module
 */
import { z } from 'zod'
import { type HttpClient, HttpFailure } from '../../outbound/http-client.ts'
import { MAX_GROUPS } from '../claims.ts'

const GRAPH = 'https://graph.microsoft.com'
const PAGE_SIZE = 999
/** Of more objects than groups: roles and administrative units come along. */
const MAX_PAGES = 20
const GROUP = '#microsoft.graph.group'

const Page = z.object({
  value: z.array(z.object({ id: z.string().min(1), '@odata.type': z.string().optional() })),
  '@odata.nextLink': z.string().optional(),
})

export interface GraphOptions {
  readonly http: HttpClient
  readonly accessToken: string
  readonly graph_url?: string | undefined
  readonly graph_groups?: 'all' | 'security' | undefined
}

/**
 * Ids of the groups that the owner of the token is in, directly or through others; `unknown` when there are
 * more than we take.
 *
 * @throws {HttpFailure} while Graph can't be reached or is busy @throws {Error} when it refuses
 */
export async function groupsAtGraph(options: GraphOptions): Promise<readonly string[] | 'unknown'> {
  const { http, accessToken, graph_groups: which = 'all' } = options
  const base = new URL(options.graph_url ?? GRAPH)
  let url: URL | undefined = firstPage(base, which)
  const groups = new Set<string>()
  for (let pages = 0; url !== undefined; pages += 1) {
    if (pages === MAX_PAGES || groups.size > MAX_GROUPS) return 'unknown'
    const answer = await http.fetch(url, {
      // Graph wants the second for a question that filters.
      headers: { authorization: `Bearer ${accessToken}`, consistencylevel: 'eventual' },
    })
    if (answer.status === 429 || answer.status >= 500)
      throw new HttpFailure(`GET ${base.origin}: it answered ${answer.status}`)
    if (answer.status !== 200) throw new Error(`Microsoft Graph answered ${answer.status}`)
    const page = Page.parse(await answer.json())
    for (const { id, '@odata.type': type = GROUP } of page.value) if (type === GROUP) groups.add(id)
    url = nextPage(base, page['@odata.nextLink'])
  }
  return groups.size > MAX_GROUPS ? 'unknown' : [...groups]
}

/** Of this list Graph says that the permission User.Read is enough; of its shorter ways it does not. */
function firstPage(base: URL, which: 'all' | 'security'): URL {
  const path = 'v1.0/me/transitiveMemberOf'
  const url = new URL(which === 'all' ? path : `${path}/microsoft.graph.group`, withSlash(base))
  if (which === 'security') {
    url.searchParams.set('$filter', 'securityEnabled eq true')
    url.searchParams.set('$count', 'true')
  }
  url.searchParams.set('$select', 'id')
  url.searchParams.set('$top', String(PAGE_SIZE))
  return url
}

/** The token goes nowhere else. */
function nextPage(base: URL, link: string | undefined): URL | undefined {
  if (link === undefined) return undefined
  const url = URL.parse(link)
  if (url?.origin !== base.origin) throw new Error('Microsoft Graph names a next page at another server')
  return url
}

function withSlash(base: URL): URL {
  return new URL(base.href.replace(/\/?$/, '/'))
}
