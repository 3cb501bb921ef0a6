/**
 * What may take the place of a path.
 *
 * @module
 */

/** Whether what a path is replaced by has one reading, and is none of another host in a redirect. */
export const isPlainTarget = (target: string): boolean =>
  !/\\|\/\/|\/(?:\.|%2e){1,2}(?:[/;]|$)|%(?:2f|5c|00)/i.test(target.replace(/[?#].*$/s, ''))
