/**
 * AUTH (RFC 4954) with PLAIN, LOGIN or CRAM-MD5, in this order of preference. A refusal is the
 * administrator's fault, not the sender's: HostError. Nothing of a secret reaches a log.
 */
import { createHmac } from 'node:crypto'

import { isPositive, type SmtpReply } from './smtp-reply.js'
import { HostError, type Wire } from './wire.js'

export interface Credentials {
  readonly user: string
  readonly password: string
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Authenticates; `offered` are the mechanisms of the EHLO answer, `within` the time for a reply. */
export async function authenticate(
  wire: Wire,
  { user, password }: Credentials,
  offered: string,
  within: () => number,
): Promise<void> {
  const mechanisms = offered.toUpperCase().split(/[\s=]+/u)
  if (mechanisms.includes('PLAIN')) {
    finish(await ask(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`))
  } else if (mechanisms.includes('LOGIN')) {
    challenge(await ask('AUTH LOGIN'))
    challenge(await ask(base64(user)))
    finish(await ask(base64(password)))
  } else if (mechanisms.includes('CRAM-MD5')) {
    const text = challenge(await ask('AUTH CRAM-MD5'))
    const digest = createHmac('md5', password).update(Buffer.from(text, 'base64')).digest('hex')
    finish(await ask(base64(`${user} ${digest}`)))
  } else {
    throw new HostError(
      'AUTH',
      `expected the host to offer PLAIN, LOGIN or CRAM-MD5, got \`${offered}\``,
    )
  }

  async function ask(command: string): Promise<SmtpReply> {
    wire.send(command)
    return await wire.read('AUTH', within())
  }
}

function challenge(reply: SmtpReply): string {
  if (reply.code !== 334) throw new HostError('AUTH', 'refused', reply)
  return reply.lines.join('')
}

function finish(reply: SmtpReply): void {
  if (!isPositive(reply)) throw new HostError('AUTH', 'refused', reply)
}
