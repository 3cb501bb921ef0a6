/**
 * Whether a host is this machine by its very name or address: secrets may go to it in plain HTTP.
 *
 * @module
 */

/** @param hostname of a URL */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}
