/**
 * The DSN parameters of MAIL and RCPT (RFC 3461 4), as a client gave them and as the next host gets
 * them. What is not well formed counts as not given: the next host would refuse the command for it,
 * and with it the recipient. Pure.
 */
const xtextValue = /^(?:[!-*,-<>-~]|\+[0-9A-F]{2}){1,100}$/u
const orcptValue = /^[A-Za-z0-9-]{1,30};(?:[!-*,-<>-~]|\+[0-9A-F]{2}){1,500}$/u
const notifyValue = /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})$/u
// eslint-disable-next-line no-control-regex -- the ASCII range
const ascii = /^[\u0000-\u007f]*$/u

type Given = string | null | undefined

export function envidOf(value: Given): string | undefined {
  return value && xtextValue.test(value) ? value : undefined
}

export function retOf(value: Given): string | undefined {
  const word = value?.toUpperCase()
  return word === 'FULL' || word === 'HDRS' ? word : undefined
}

export function notifyOf(value: Given): string | undefined {
  const words = value?.toUpperCase()
  return words !== undefined && notifyValue.test(words) ? words : undefined
}

/** Whether the sender wants to hear of a failure; without a word he does. */
export function wantsFailure(notify: string | undefined): boolean {
  return notify === undefined || notify.includes('FAILURE')
}

/** Whether he wants to hear of a delay; without a word it is ours to say (RFC 3461 4.1). */
export function wantsDelay(notify: string | undefined): boolean {
  return notify === undefined || notify.includes('DELAY')
}

/** The client's ORCPT, or one made of the address as the client wrote it. */
export function orcptOf(value: Given, address: string): string {
  if (value && orcptValue.test(value)) return value
  return ascii.test(address) ? `rfc822;${xtext(address)}` : `utf-8;${embedded(address)}`
}

/** RFC 6533 3: what is beyond ASCII, and what xtext would encode, as `\x{…}`. */
function embedded(address: string): string {
  return address.replace(/[^!-*,-<>-[\]-~]/gu, (character) => {
    return `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`
  })
}

/** xtext: what is beyond printable ASCII, and `+` and `=`, as `+XX`. */
export function xtext(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^!-*,-<>-~]/gu, (octet) => {
      return `+${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
    })
}

export function fromXtext(text: string): string {
  const octets = text.replace(/\+([0-9A-F]{2})/gu, (_, hex: string) => {
    return String.fromCharCode(Number.parseInt(hex, 16))
  })
  return Buffer.from(octets, 'latin1').toString()
}
