/**
 * Sends the sample messages through the staged MX, one after the other, and compares what becomes
 * of each recipient with what must: the reply, the place, the address it arrives under, and that
 * nothing arrives anywhere else. Mail that does not arrive in time makes its row wrong; it does not
 * throw.
 */
import { setTimeout } from 'node:timers/promises'

import { Arrivals, type Arrival } from './arrivals.js'
import { parseDecision, reasonOf, type LoggedDecision } from './decision-log.js'
import type { GatewayProcess } from './gateway-process.js'
import type { Ending, SampleMessage } from './sample.js'
import { sampleMessage, send, type Outcome, type Reply } from './smtp-client.js'
import type { StagedMx } from './staged-mx.js'

export interface Row {
  readonly recipient: string
  readonly expected: string
  readonly happened: string
  readonly wentTo: string
  readonly why: string
  /** absent where nothing particular was expected */
  readonly asExpected?: boolean
}

export interface Section {
  readonly title: string
  readonly rows: readonly Row[]
}

const sender = 'stranger@elsewhere.example'
/** milliseconds; the queue is tried again every few seconds */
const arrivalTimeout = 30_000
const queueTimeout = 2000

/** Sends each message; yields its rows as soon as they are certain, and at last what went astray. */
export async function* sendSample(
  stage: StagedMx,
  messages: readonly SampleMessage[],
): AsyncGenerator<Section> {
  const arrivals = new Arrivals(stage)
  for (const message of messages) {
    yield { title: message.title, rows: await sendOne(stage, arrivals, message) }
  }
  const astray = arrivals.left().map(strayRow)
  if (astray.length > 0) yield { title: 'arrived, but nobody expected it', rows: astray }
}

async function sendOne(
  stage: StagedMx,
  arrivals: Arrivals,
  message: SampleMessage,
): Promise<Row[]> {
  const { gateway, catchers } = stage
  const to = message.recipients.map(({ address }) => address)
  const data =
    message.resend === undefined
      ? sampleMessage({ from: sender, to })
      : (arrivals.firstAt(message.resend)?.raw ?? '')
  const messageId = /^Message-ID: (.*)$/imu.exec(data.toString())?.[1] ?? ''
  const down = catchers.get(message.down ?? '')
  const logFrom = gateway.logLines.length

  await down?.stop()
  const localAddress = message.client?.(stage) ?? '127.0.0.1'
  const outcome = await send(gateway, { from: sender, to, data, localAddress })
  const queued = down !== undefined && (await isQueued(gateway))
  await down?.start()

  return Promise.all(
    message.recipients.map(async ({ address, ending }, index) => {
      const decision = await decisionOf(gateway, logFrom, address)
      const reply = finalReply(outcome, index)
      const as = arrivesAs(address, ending, decision)
      const arrival =
        reply.code < 300 ? await arrivals.take(messageId, as, arrivalTimeout) : undefined
      const decided = decision && (reply.code < 300 || reply === outcome.rcpt[index])
      return {
        recipient: address,
        ...judge(ending, reply, arrival, queued),
        why: decided ? reasonOf(decision) : reply.lines.join(' '),
      }
    }),
  )
}

/** Haraka renames what it puts off; a listing in that moment may miss it. */
async function isQueued(gateway: GatewayProcess): Promise<boolean> {
  const end = Date.now() + queueTimeout
  while (Date.now() < end) {
    if ((await gateway.queue()).length > 0) return true
    await setTimeout(50)
  }
  return false
}

/** The line of the log may come a little later than the reply. */
async function decisionOf(
  gateway: GatewayProcess,
  logFrom: number,
  address: string,
): Promise<LoggedDecision | undefined> {
  const literal = address.replace(/[^\w@-]/gu, '\\$&')
  const line = new RegExp(`^.*decision=\\S+ recipient="${literal}".*`, 'u')
  const found = await gateway.waitForLog(line, 2000, logFrom).catch(() => undefined)
  return found && parseDecision(found[0])
}

/** RCPT's reply if it is a refusal, else the one after the final dot. */
function finalReply({ mail, rcpt, data }: Outcome, index: number): Reply {
  const reply = rcpt[index] ?? mail
  return reply.code < 300 ? (data ?? reply) : reply
}

function arrivesAs(
  address: string,
  ending: Ending | undefined,
  decision: LoggedDecision | undefined,
): string {
  if (ending && ending.kind !== 'refused') return ending.as
  return decision?.chain.at(-1) ?? address
}

function judge(
  ending: Ending | undefined,
  reply: Reply,
  arrival: Arrival | undefined,
  queued: boolean,
): Omit<Row, 'recipient' | 'why'> {
  const wentTo = arrival ? placeName(arrival.place) : ''
  const happened = happenedText(reply, arrival, queued)
  if (!ending) return { expected: '', happened, wentTo }
  if (ending.kind === 'refused') {
    const expected = `refused ${ending.code} ${ending.enhanced}`
    return { expected, happened, wentTo, asExpected: happened === expected }
  }
  const wanted = ending.kind === 'queued' ? 'queued, delivered' : 'delivered'
  const there = arrival?.place === ending.place && arrival.recipient === ending.as
  return {
    expected: `${placeName(ending.place)}${ending.kind === 'queued' ? ', later' : ''}`,
    happened,
    wentTo,
    asExpected: happened === wanted && there,
  }
}

function happenedText(reply: Reply, arrival: Arrival | undefined, queued: boolean): string {
  if (reply.code >= 300) return `refused ${reply.code} ${reply.enhanced}`
  if (!arrival) return queued ? 'queued' : 'accepted, not delivered'
  return queued ? 'queued, delivered' : 'delivered'
}

function strayRow({ place, recipient, message }: Arrival): Row {
  return {
    recipient,
    expected: 'nothing',
    happened: 'delivered',
    wentTo: placeName(place),
    why: `from <${message.from}>`,
    asExpected: false,
  }
}

/** The key of a place as people read it. */
export function placeName(place: string): string {
  const [kind = '', name = ''] = place.split(':')
  if (kind === 'connector') return `connector ${name}`
  return kind === 'mailbox-host' ? `mailboxes of ${name}` : 'the Internet'
}
