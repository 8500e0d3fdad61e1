/**
 * The attributes of XCLIENT for a client of Haraka's (Postfix's XCLIENT_README). Pure. Which of them
 * a host knows, its EHLO answer says; what is not known here is `[UNAVAILABLE]`.
 */
import type { HarakaConnection } from '../../haraka/haraka.js'
import { xtext } from './dsn-parameters.js'

export function xclientAttributes({
  remote,
  hello,
}: Pick<HarakaConnection, 'remote' | 'hello'>): string {
  const { ip, host } = remote
  return [
    `NAME=${known(host)}`,
    `ADDR=${ip.includes(':') ? `IPV6:${ip}` : ip}`,
    `PROTO=${hello.verb === 'HELO' ? 'SMTP' : 'ESMTP'}`,
    `HELO=${known(hello.host)}`,
  ].join(' ')
}

/** Haraka writes words such as `NXDOMAIN` and `DNSERROR` where it has no name. */
function known(name: string | null): string {
  return name === null || !name.includes('.') ? '[UNAVAILABLE]' : xtext(name)
}
