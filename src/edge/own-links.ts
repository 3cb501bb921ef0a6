/**
 * Pages of ours that answers of other rooms lead to.
 *
 * @module
 */

/** Where a browser gets rid of cookies that have grown too large for its requests. */
export const CLEAR_COOKIES_PATH = '/.pomerium/clear_cookies'
