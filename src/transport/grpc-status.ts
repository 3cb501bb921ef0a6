/**
 * The gRPC status codes that we send.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
 * @module
 */
export const GrpcStatus = {
  OK: 0,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const

export type GrpcStatus = number
