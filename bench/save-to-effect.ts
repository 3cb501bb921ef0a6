/**
 * How long it takes from saving one changed route among many to the first request that obeys it.
 *
 * @module
 */
import { setImmediate as tick } from 'node:timers/promises'
import { request } from '../test/harness/http-client.ts'
import type { Route } from '../test/harness/sallyport.ts'
import { groupPolicy, PUBLIC, STAFF_ONLY, startStack } from '../test/harness/stack.ts'
import { cpuSeconds } from './cpu.ts'

export interface SaveToEffect {
  readonly routes: number
  /** Milliseconds, one per edit. */
  readonly policyEdits: readonly number[]
  readonly routeEdits: readonly number[]
  /** CPU milliseconds of Sallyport and its Envoy, one per route edit. */
  readonly routeEditCpu: readonly number[]
  readonly coldStartMs: number
}

export async function measureSaveToEffect(count: number, edits: number): Promise<SaveToEffect> {
  const many = (upstream: string, port: number): Route[] =>
    Array.from({ length: count - 2 }, (_, index) => ({
      from: `https://host-${index}.localhost:${port}`,
      to: upstream,
      ...STAFF_ONLY,
    }))
  const routesOf = (upstream: string, port: number, marked: Route, policy: object): Route[] => [
    { from: `https://public.localhost:${port}`, to: upstream, ...PUBLIC, ...marked },
    { from: `https://app.localhost:${port}`, to: upstream, policy },
    ...many(upstream, port),
  ]
  const started = performance.now()
  await using stack = await startStack({
    routes: ({ upstream, url }) =>
      routesOf(upstream.url, Number(new URL(url('app')).port), {}, groupPolicy('staff')),
  })
  const coldStartMs = performance.now() - started
  const { upstream, edge, ca } = stack
  const agent = stack.agent()
  await stack.signIn(agent, stack.url('app'))
  const cookie = agent.jar.header(new URL(stack.url('app'))) ?? ''
  const cpu = (): number =>
    [stack.sallyport.process.pid, ...stack.sallyport.descendants()].reduce(
      (sum, pid) => sum + cpuSeconds(pid),
      0,
    ) * 1000

  const timed = async (routes: readonly Route[], obeyed: () => Promise<boolean>): Promise<number> => {
    await stack.edit({ routes })
    const saved = performance.now()
    while (!(await obeyed())) {
      if (performance.now() - saved > 20_000) throw new Error('an edit had no effect in 20 s')
      await tick()
    }
    return performance.now() - saved
  }

  const policyEdits: number[] = []
  const routeEdits: number[] = []
  const routeEditCpu: number[] = []
  for (let edit = 1; edit <= edits; edit += 1) {
    const denied = edit % 2 === 1
    policyEdits.push(
      await timed(
        routesOf(upstream.url, edge.port, {}, groupPolicy(denied ? 'nobody' : 'staff')),
        async () =>
          (await request({ url: stack.url('app'), headers: { cookie }, ca: ca.cert })).status ===
          (denied ? 403 : 200),
      ),
    )
  }
  for (let edit = 1; edit <= edits; edit += 1) {
    const before = cpu()
    const marked = { set_response_headers: { 'x-edit': String(edit) } }
    routeEdits.push(
      await timed(
        routesOf(upstream.url, edge.port, marked, groupPolicy('staff')),
        async () =>
          (await request({ url: stack.url('public'), ca: ca.cert })).headers['x-edit'] === String(edit),
      ),
    )
    routeEditCpu.push(cpu() - before)
  }
  return { routes: count, policyEdits, routeEdits, routeEditCpu, coldStartMs }
}
