/**
 * What clients and hosts say when chance speaks: commands with anything in them, replies at any step, whole or
 * broken. The words of hosts are kept for whoever judges: an honest recipient may be refused only if a host said so.
 */
import type { Script, Step } from '../../test/harness/fault-server.js'
import { forged } from './hostile-ldap.js'
import { pieces, type Chance } from './random.js'

export const honest = ['anna@example.com', 'walter@example.com', 'bert@example.com']
const forgery = forged.trim()

export function command(chance: Chance): string {
  const address = chance.pick([
    chance.pick(honest),
    chance.text(pieces),
    // somebody who writes a line of the log himself
    `"${forgery.replace(/["\\]/gu, '\\$&')}"@example.com`,
    `x ${forgery}@example.com`,
  ])
  return chance.pick([
    'EHLO client.example',
    `HELO ${chance.text(pieces, 2)}`,
    `MAIL FROM:<${address}>`,
    `MAIL FROM:<> SIZE=${chance.below(1e9)} BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=${chance.text(pieces, 2)}`,
    `RCPT TO:<${address}>`,
    `RCPT TO:<${address}> NOTIFY=${chance.text(pieces, 2)} ORCPT=rfc822;${chance.text(pieces, 2)}`,
    'DATA',
    `Subject: ${chance.text(pieces)}`,
    '',
    '.',
    'RSET',
    'NOOP',
    'QUIT',
    `VRFY ${address}`,
    `EHLO ${forgery}`,
    `MAIL FROM:<${address}> ENVID=${forgery}`,
    `${forgery}\r\n${forgery}`,
    `STARTTLS ${chance.text(pieces, 1)}`,
    `AUTH PLAIN ${chance.text(pieces, 2)}`,
    `BDAT ${chance.below(100)} LAST`,
    `XCLIENT ADDR=${chance.text(pieces, 2)}`,
  ])
}

/** What a host says at each step; the words are kept, for whoever judges. */
export function script(chance: Chance, words: string[]): Script {
  const step = (good: string): Step | undefined => {
    if (!chance.once(3)) return undefined
    const text = chance.pick([
      good,
      '250 2.0.0 ok',
      '251 2.1.5 forwarded',
      '252 2.1.5 perhaps',
      '354 go on',
      '421 4.3.2 bye',
      '450 4.2.1 later',
      '452 4.5.3 too many',
      '550 5.1.1 no such user',
      '554 5.7.1 no',
      '250-ok',
      '250',
      '99 x',
      chance.text(pieces, 3),
      `550 5.1.1 ${forgery}`,
      `450 4.2.1 ${forgery}`,
    ])
    words.push(text)
    if (chance.once(6)) return 'close'
    if (chance.once(4)) return { raw: Buffer.from(`${chance.mutate(text, pieces)}\r\n`) }
    if (chance.once(8)) return { drip: text, every: 5 }
    return text
  }
  const rcpt = Array.from({ length: 5 }, () => step('250 2.1.5 ok'))
  const lmtp = Array.from({ length: 5 }, () => step('250 2.0.0 ok'))
  let asked = 0
  let answered = 0
  const some = (name: keyof Script, good: string): { readonly dot?: Step } => {
    const chosen = step(good)
    return chosen === undefined ? {} : { [name]: chosen }
  }
  return {
    ...some('banner', '220 host'),
    ...some('ehlo', '250 host'),
    ...some('mail', '250 2.1.0 ok'),
    ...some('data', '354 go on'),
    ...whole(some('dot', '250 2.0.0 ok')),
    rcpt: () => rcpt[(asked += 1) % rcpt.length],
    lmtpDot: () => complete(lmtp[(answered += 1) % lmtp.length]),
  }
}

function whole(steps: { readonly dot?: Step }): object {
  const dot = complete(steps.dot)
  return dot === undefined ? {} : { dot }
}

/** The rest of an answer to the dot may be waited for four minutes: a round has no time for that. */
function complete(step: Step | undefined): Step | undefined {
  return typeof step === 'string' && /^\d{3}-/u.test(step)
    ? `${step}\r\n${step.slice(0, 3)} end`
    : step
}
