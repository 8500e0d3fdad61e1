/**
 * A value of somebody else's (a client's address, a directory's name, a host's words) as it stands in a
 * line of the log: a JSON string on one line. It can neither end its own quotes, nor begin a line or a
 * field, nor turn the reading direction of a terminal. JSON.parse gives it back.
 */

// control characters of both sets, line and paragraph separator, marks that hide or turn text
const unseen =
  /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu
// half of a pair: no UTF-8 has it
const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

// what stands in a JSON string as it is; nearly every value
const plain = /^[ !#-[\]-~]*$/u

/** The text as a JSON string without anything that a reader or a terminal takes for more than text. */
export function quoted(text: string): string {
  if (plain.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(unseen, escaped).replace(lone, escaped)
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
}
