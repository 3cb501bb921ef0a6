/**
 * How long it takes from saving one changed route among many to the first request that obeys it.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { request } from '../test/harness/http-client.ts'
import type { Route, WrittenForm } from '../test/harness/sallyport.ts'
import { groupPolicy, PUBLIC, STAFF_ONLY, startStack } from '../test/harness/stack.ts'
import { cpuSeconds } from './cpu.ts'

/**
 * How the file is saved. One that is written in place has to stand still first, for a quarter of a second.
 */
const FORMS: Readonly<Record<string, WrittenForm>> = {
  renamed: {},
  'in place': { isInPlace: true },
  'renamed, with anchors': { hasAnchors: true },
}

export interface EditTimes {
  readonly form: string
  /** Milliseconds, one per edit. */
  readonly policyEdits: readonly number[]
  readonly routeEdits: readonly number[]
  /** CPU milliseconds of Sallyport and its Envoy, one per edit. */
  readonly policyEditCpu: readonly number[]
  readonly routeEditCpu: readonly number[]
}

export interface SaveToEffect {
  readonly routes: number
  readonly forms: readonly EditTimes[]
  readonly coldStartMs: number
}

/**
 * Between two requests that look for the effect: without a pause they would take the processor from what they
 * wait for.
 */
const LOOK_MS = 5

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
  const answers = async (status: number): Promise<boolean> =>
    (await request({ url: stack.url('app'), headers: { cookie }, ca: ca.cert })).status === status
  const cpu = (): number =>
    [stack.sallyport.process.pid, ...stack.sallyport.descendants()].reduce(
      (sum, pid) => sum + cpuSeconds(pid),
      0,
    ) * 1000

  const timed = async (
    edit: Parameters<typeof stack.edit>[0],
    obeyed: () => Promise<boolean>,
  ): Promise<{ readonly tookMs: number; readonly cpuMs: number }> => {
    const before = cpu()
    await stack.edit(edit)
    const saved = performance.now()
    while (!(await obeyed())) {
      if (performance.now() - saved > 20_000) throw new Error('an edit had no effect in 20 s')
      await delay(LOOK_MS)
    }
    return { tookMs: performance.now() - saved, cpuMs: cpu() - before }
  }

  const forms: EditTimes[] = []
  let mark = 0
  for (const [name, form] of Object.entries(FORMS)) {
    const policyTimes: Awaited<ReturnType<typeof timed>>[] = []
    const routeTimes: typeof policyTimes = []
    const staff = groupPolicy('staff')
    // The first in a form is as long as a start: what says the same in another form is parsed anew.
    await timed({ routes: routesOf(upstream.url, edge.port, {}, groupPolicy('nobody')), form }, () =>
      answers(403),
    )
    await timed({ routes: routesOf(upstream.url, edge.port, {}, staff), form }, () => answers(200))
    for (let edit = 1; edit <= edits; edit += 1) {
      const isDenied = edit % 2 === 1
      const policy = isDenied ? groupPolicy('nobody') : staff
      policyTimes.push(
        await timed({ routes: routesOf(upstream.url, edge.port, {}, policy), form }, () =>
          answers(isDenied ? 403 : 200),
        ),
      )
    }
    for (let edit = 1; edit <= edits; edit += 1) {
      const text = String((mark += 1))
      const marked = { set_response_headers: { 'x-edit': text } }
      routeTimes.push(
        await timed(
          { routes: routesOf(upstream.url, edge.port, marked, staff), form },
          async () => (await request({ url: stack.url('public'), ca: ca.cert })).headers['x-edit'] === text,
        ),
      )
    }
    forms.push({
      form: name,
      policyEdits: policyTimes.map(({ tookMs }) => tookMs),
      routeEdits: routeTimes.map(({ tookMs }) => tookMs),
      policyEditCpu: policyTimes.map(({ cpuMs }) => cpuMs),
      routeEditCpu: routeTimes.map(({ cpuMs }) => cpuMs),
    })
  }
  return { routes: count, forms, coldStartMs }
}
