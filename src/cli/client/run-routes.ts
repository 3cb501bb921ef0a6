/**
 * `sallyport routes`: what the portal lists, as a table or for programs.
 *
 * @module
 */
import { listRoutes } from '../../client/portal.ts'
import { Fault } from '../../errors.ts'
import { alignedLines } from '../table.ts'
import { type AskingValues, openClient, openStore } from './open-client.ts'

/** @returns the exit code */
export async function routes(
  address: string | undefined,
  { json = false, ...values }: AskingValues & { readonly json?: boolean | undefined },
): Promise<number> {
  const found = await listRoutes(openClient(values, address ?? onlyServer()))
  if (json) process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`)
  else if (found.length === 0) process.stdout.write('There is no route that you may open.\n')
  else {
    const rows = found.map(({ name, type, from, description, connect_command: connect }) => [
      name,
      type,
      from,
      [connect, description].filter((text) => text !== '').join('  '),
    ])
    process.stdout.write(alignedLines([['NAME', 'TYPE', 'FROM', ''], ...rows]))
  }
  return 0
}

function onlyServer(): string {
  const now = Date.now()
  const servers = [
    ...new Set(
      openStore()
        .all()
        .filter(({ expiresAt }) => expiresAt > now)
        .map(({ origin }) => origin),
    ),
  ]
  const [server] = servers
  if (server !== undefined && servers.length === 1) return server
  const which = servers.length === 0 ? 'such as https://app.example.com' : `such as ${servers.join(' or ')}`
  throw new Fault('USAGE', `routes needs the address of a server, ${which}`)
}
