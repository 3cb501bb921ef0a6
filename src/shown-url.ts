/**
 * The one form in which a URL may be shown: in the log, in `/status` and in messages.
 *
 * @module
 */

/** Without its user, password, fragment and the values of its query: any of them may be a secret. */
export function shownUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null) return '[URL]'
  const user = url.username === '' && url.password === '' ? '' : '[secret]@'
  const query = [...url.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=[secret]`).join('&')
  return `${url.protocol}//${user}${url.host}${url.pathname}${query === '' ? '' : `?${query}`}`
}

/**
 * The same of a text that may be no URL: what would be its password, its query and its fragment is not shown.
 */
export function shownText(text: string): string {
  return text
    .replace(/^([a-z0-9+.-]*:\/\/)?.*@/is, '$1[secret]@')
    .replace(/[?#].+$/s, (rest) => `${rest.charAt(0)}[secret]`)
}
