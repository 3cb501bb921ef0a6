/**
 * Keeps a hand on requests that stay open: WebSockets, event streams, gRPC streams. Who may not go on is cut
 * off.
 *
 * @module
 */
import type { DirectoryPort } from '../access/ports.ts'
import type { Config } from '../config/config.ts'
import type { ExternalProcessorDefinition } from '../gen/envoy-api/envoy/service/ext_proc/v3/ExternalProcessor.ts'
import { loadProtos } from '../gen/protos.ts'
import type { SessionStore } from '../session/store.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Meter } from '../telemetry/metrics.ts'
import { serveGrpc } from '../transport/grpc-server.ts'
import type { SocketPlace } from '../transport/unix-socket.ts'
import { type Call, ending, goOn, openedBy } from './channel.ts'
import { createJudge, type JudgeOptions } from './judge.ts'
import { type LiveStream, Streams } from './streams.ts'
import { Supervisor } from './supervisor.ts'

export interface SuperviseOptions extends Omit<JudgeOptions, 'config' | 'directory' | 'logger' | 'sessions'> {
  readonly socketPath: SocketPlace
  readonly config: {
    readonly current: Config
    onGeneration(listener: (next: Config) => void): Disposable
  }
  readonly sessions: JudgeOptions['sessions'] & Pick<SessionStore, 'onChange'>
  readonly directory?: DirectoryPort | undefined
  readonly logger: Logger
  readonly meter: Meter
}

export async function serveSupervise(options: SuperviseOptions): Promise<AsyncDisposable> {
  const { socketPath, config, sessions, serviceAccounts, directory, logger, meter, now } = options
  await using starting = new AsyncDisposableStack()
  const streams = new Streams()
  const cuts = meter.createCounter('sallyport_streams_cut_total', {
    description: 'Open streams that were ended because they might not go on.',
  })
  meter
    .createObservableGauge('sallyport_streams_open', { description: 'Open streams that can be ended.' })
    .addCallback((result) => result.observe(streams.size))
  const supervisor = starting.use(
    new Supervisor({ streams, judge: createJudge(options), now, logger, onEnd: () => cuts.add(1) }),
  )
  starting.use(config.onGeneration(() => supervisor.allChanged()))
  starting.use(sessions.onChange((id) => supervisor.changed(id)))
  if (serviceAccounts !== undefined) starting.use(serviceAccounts.onChange((id) => supervisor.changed(id)))
  if (directory !== undefined) starting.use(directory.onChange(() => supervisor.allChanged()))
  starting.use(
    await serveGrpc({
      socketPath,
      services: [
        {
          definition: loadProtos('services').service<ExternalProcessorDefinition>(
            'envoy.service.ext_proc.v3.ExternalProcessor',
          ),
          implementation: { Process: follow },
        },
      ],
    }),
  )
  // Envoy keeps a stream whose channel ends well.
  starting.defer(() => {
    for (const stream of streams.all()) stream.release()
  })
  return starting.move()

  function follow(call: Call): void {
    let stream: LiveStream | undefined
    const leave = () => {
      if (stream !== undefined) streams.delete(stream)
      stream = undefined
    }
    call.on('data', (message: Parameters<typeof openedBy>[0]) => {
      if (message.response_headers === undefined || stream !== undefined) {
        call.write(message.response_trailers === undefined ? {} : { response_trailers: {} })
        return
      }
      const { permit, facts, decisionId, isFromUpstream } = openedBy(message)
      if (!isFromUpstream) {
        call.write(goOn)
        return
      }
      if (permit === undefined) {
        logger.error({ 'request-id': decisionId }, 'a stream was opened that no check has let pass')
        call.write(ending({ status: 503, reason: 'it could not be judged' }))
        call.end()
        return
      }
      const opened = (stream = {
        permit,
        facts,
        decisionId,
        openedAt: now(),
        goodUntil: Infinity,
        inDoubtSince: undefined,
        release: () => {
          leave()
          call.end()
        },
        cut: (end) => {
          leave()
          call.write(ending(end))
          call.end()
        },
      } satisfies LiveStream as LiveStream)
      streams.add(opened)
      // The answer may have taken its time: who has signed out meanwhile does not get it.
      void begin(opened, call)
    })
    call.on('end', () => {
      leave()
      call.end()
    })
    call.on('cancelled', leave)
    call.on('error', leave)
  }

  async function begin(stream: LiveStream, call: Call): Promise<void> {
    const end = await supervisor.judge(stream)
    if (!streams.has(stream)) return
    if (end === undefined) call.write(goOn)
    else stream.cut(end)
  }
}
