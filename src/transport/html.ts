/**
 * HTML that is safe by construction: every value put into the template is escaped.
 *
 * There is no way to mark run-time text as safe: `raw` takes a template literal without values, so only
 * words written in our source can be markup.
 *
 * @module
 */

class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

/** Markup that has been escaped or was written by us. Only this module can make one. */
export type Html = Markup

/** What may stand in a template: `undefined`, `false` and empty lists print nothing. */
export type HtmlValue = string | number | Html | undefined | false | readonly HtmlValue[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Escapes text for element content and for attribute values in quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (character) => ESCAPES[character] ?? '')
}

function print(value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Markup) return value.toString()
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  return value.map(print).join('')
}

/** Template tag: literal parts stay as written, values are escaped. Attribute values must be in quotes. */
export function html(literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = literals[0] ?? ''
  for (const [index, value] of values.entries()) markup += print(value) + (literals[index + 1] ?? '')
  return new Markup(markup)
}

/** Template tag without values: markup that is a constant of our source, a style sheet for instance. */
export function raw(literals: TemplateStringsArray): Html {
  return new Markup(literals[0] ?? '')
}

/**
 * A link target that a browser can't run: an `http(s)` URL or a path of this host; anything else is `#`.
 *
 * Escaping alone doesn't make `javascript:` harmless.
 */
export function safeHref(target: string): string {
  if (/^\/(?![/\\])/.test(target)) return target
  return /^https?:\/\//i.test(target) && URL.canParse(target) ? target : '#'
}
