/**
 * The Envoy API as protobufjs holds it. Here it is parsed; a build puts parsed data in place of this file.
 *
 * @module
 */
import { join } from 'node:path'
import protobuf from 'protobufjs'

const DIRECTORY = join(import.meta.dirname, '..', '..', 'proto', 'envoy-api')

/** Files that only annotate others (validation rules, versions): nothing of theirs is on the wire. */
const ANNOTATIONS = /^(?:validate\/|(?:envoy|udpa|xds)\/annotations\/|google\/protobuf\/descriptor)/

/** Which messages: those of the services that Sallyport answers, or also what their `Any` fields hold. */
export type ProtoScope = 'services' | 'all'

/** @param files of that scope, as paths in `proto/envoy-api/` */
export function protoRoot(_scope: ProtoScope, files: readonly string[]): protobuf.Root {
  const root = new protobuf.Root()
  root.resolvePath = (_origin, target) => (ANNOTATIONS.test(target) ? null : join(DIRECTORY, target))
  return root.loadSync([...files], { keepCase: true })
}
