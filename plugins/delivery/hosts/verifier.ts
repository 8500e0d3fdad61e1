/**
 * verify_recipients: asks a smart host at RCPT whether it takes a recipient that only it knows, so
 * that the sender hears of a wrong address at once and no report goes to a forged one.
 *
 *   yes      the host takes it; remembered for an hour
 *   no       the host says that there is no such address; remembered for a minute
 *   unknown  the host is down, slow, answers 4xx or refuses for another reason: to be accepted
 *
 * A host that takes an address which cannot exist takes everything; for an hour it is not asked for
 * that domain again. RFC 5321 3.3: the null sender, and no DATA.
 */
import { errorText } from '../../basics/error-text.js'
import { randomUUID } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { identityOf } from './place-sender.js'
import type { DeliverySetup, Verification } from '../setup.js'
import { isPositive, type SmtpReply } from '../smtp/reply.js'
import { formatEndpoint, openSession, type Session, type SessionOptions } from '../smtp/session.js'
import { NoSessionError, OpeningError, type Sessions } from './sessions.js'
import { directTimeouts } from '../smtp/timeouts.js'
import { HostError } from '../smtp/wire.js'
import { TargetError, type Target, type TargetFinder } from './target.js'

const patience = 5000
const minute = 60_000
const remembered = { yes: 60 * minute, no: minute, unknown: minute / 6 }
// eslint-disable-next-line no-control-regex -- the ASCII range
const beyondAscii = /[^\u0000-\u007f]/u
const noSuchAddress = new Set([550, 551, 553])
// RFC 3463 3.2: 5.1.7 and 5.1.8 are about the sender
const aboutRecipient = /^5\.(?:1\.(?![78]$)|2\.)/u

export class Verifier {
  private readonly parts: {
    readonly setup: Pick<DeliverySetup, 'env'>
    readonly finder: TargetFinder
    readonly sessions: Sessions
    readonly session: Pick<SessionOptions, 'gatewayName' | 'tlsOptions'>
  }
  private readonly answers = new LRUCache<string, Verification>({ max: 100_000 })
  private readonly takesAll = new LRUCache<string, true>({ max: 10_000, ttl: remembered.yes })
  private readonly asking = new Map<string, Promise<Verification>>()

  constructor(parts: Verifier['parts']) {
    this.parts = parts
  }

  /** Never rejects; answers within some seconds. */
  verify(connector: string, recipient: string): Promise<Verification> {
    const at = recipient.lastIndexOf('@')
    const domain = recipient.slice(at + 1).toLowerCase()
    if (this.takesAll.has(`${connector}\0${domain}`)) {
      return Promise.resolve({ answer: 'unknown', reason: 'the host takes every address' })
    }
    const question = `${connector}\0${recipient.toLowerCase()}`
    const known = this.answers.get(question)
    if (known) return Promise.resolve(known)
    const underWay = this.asking.get(question)
    if (underWay) return underWay
    const asked = this.ask(connector, recipient, domain)
      .catch((error: unknown): Verification => {
        return { answer: 'unknown', reason: errorText(error) }
      })
      .then((answer) => {
        this.asking.delete(question)
        this.answers.set(question, answer, { ttl: remembered[answer.answer] })
        return answer
      })
    this.asking.set(question, asked)
    return asked
  }

  private async ask(connector: string, recipient: string, domain: string): Promise<Verification> {
    const { setup, finder, sessions, session } = this.parts
    const until = Date.now() + patience
    let target: Target
    try {
      target = await finder.find({ kind: 'connector', connector }, domain)
    } catch (error) {
      if (!(error instanceof TargetError)) throw error
      return { answer: 'unknown', reason: error.message }
    }
    const { tls, credentials } = target
    const options = {
      ...session,
      tls,
      timeouts: directTimeouts,
      ...(credentials && { credentials }),
    }
    let reason = 'all hosts are left alone for now'
    for (const endpoint of target.endpoints) {
      if (Date.now() >= until) break
      const host = formatEndpoint(endpoint)
      try {
        const lease = await sessions.take({
          endpoints: [endpoint],
          // strangers' wrong addresses are errors in a session: none that carries mail is used
          identity: `verify ${identityOf(target)}`,
          place: target.place,
          maxSessions: target.maxSessions,
          open: () => openSession(endpoint, options, until),
          patience: until,
          until,
        })
        try {
          const probe = this.takesAll.has(`${connector}\0${domain}`)
            ? ''
            : `${randomUUID()}@${domain}`
          const asked = await inquire(lease.session, recipient, probe, until)
          if (asked.takesAll) {
            this.takesAll.set(`${connector}\0${domain}`, true)
            setup.env.log.notice(`connector ${connector}: ${host} takes every address of ${domain}`)
            return { answer: 'unknown', reason: 'the host takes every address' }
          }
          return asked.senderRefused ? unknown(asked.reply, host) : judge(asked.reply, host)
        } catch (error) {
          lease.session.wire.destroy()
          throw error
        } finally {
          lease.end()
        }
      } catch (error) {
        if (!(error instanceof HostError || error instanceof NoSessionError)) {
          if (!(error instanceof OpeningError)) throw error
        }
        reason = `${host}: ${errorText(error)}`
      }
    }
    return { answer: 'unknown', reason }
  }
}

/** Asks for the recipient and, if it is taken, for one that cannot exist. */
async function inquire(
  session: Session,
  recipient: string,
  probe: string,
  until: number,
): Promise<{ reply: SmtpReply; takesAll: boolean; senderRefused?: true }> {
  const { wire, extensions } = session
  const ask = async (command: string): Promise<SmtpReply> => {
    wire.send(command)
    return wire.read(command.split(' ', 1)[0] ?? '', until - Date.now())
  }
  const utf8 = beyondAscii.test(recipient) && extensions.has('SMTPUTF8')
  const mail = await ask(`MAIL FROM:<>${utf8 ? ' SMTPUTF8' : ''}`)
  if (mail.code === 421) throw new HostError('MAIL', 'closes', mail)
  // the host is well: it takes other senders' mail
  if (!isPositive(mail)) return { reply: mail, takesAll: false, senderRefused: true }
  const reply = await ask(`RCPT TO:<${recipient}>`)
  const takesAll = isPositive(reply) && isPositive(await ask(`RCPT TO:<${probe}>`))
  if (!isPositive(await ask('RSET'))) wire.destroy()
  return { reply, takesAll }
}

function judge(reply: SmtpReply, host: string): Verification {
  if (isPositive(reply)) return { answer: 'yes' }
  const { code, enhanced } = reply
  const aboutAddress = enhanced === '' ? noSuchAddress.has(code) : aboutRecipient.test(enhanced)
  if (code >= 500 && aboutAddress) return { answer: 'no', reply, host }
  return unknown(reply, host)
}

function unknown({ code, enhanced }: SmtpReply, host: string): Verification {
  return { answer: 'unknown', reason: `${host} answered ${code} ${enhanced}` }
}
