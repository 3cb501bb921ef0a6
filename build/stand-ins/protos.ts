/**
 * In place of `src/form/protos.ts` in everything that is built: the protos are data, and no file is read.
 *
 * @module
 */
import protobuf from 'protobufjs'
import type * as source from '../../src/form/protos.ts'

/** JSON texts, which the build puts there. */
declare const SALLYPORT_PROTOS_SERVICES: string
declare const SALLYPORT_PROTOS_ALL: string

export const protoRoot: typeof source.protoRoot = (scope) => {
  const root: protobuf.INamespace = JSON.parse(
    scope === 'services' ? SALLYPORT_PROTOS_SERVICES : SALLYPORT_PROTOS_ALL,
  )
  return protobuf.Root.fromJSON(root)
}
