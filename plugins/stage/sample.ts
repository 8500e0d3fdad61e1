/**
 * The sample messages, and what must become of each recipient with the sample configuration: the
 * article's two methods (a shared example.com, contacts in xo.one) and the ways mail goes wrong.
 */
import type { StagedMx } from './staged-mx.js'

/** Each recipient ends in one way. */
export type Ending =
  | { readonly kind: 'delivered'; readonly place: string; readonly as: string }
  /** refused at RCPT, or after DATA */
  | { readonly kind: 'refused'; readonly code: number; readonly enhanced: string }
  /** in the queue while the next host is down, then delivered */
  | { readonly kind: 'queued'; readonly place: string; readonly as: string }

export interface SampleMessage {
  readonly title: string
  /** where it comes from; 127.0.0.1, the stranger, unless told */
  readonly client?: (stage: StagedMx) => string
  /** without an ending, whatever becomes of it is shown and none is right or wrong */
  readonly recipients: readonly { readonly address: string; readonly ending?: Ending }[]
  /** the place whose server is down while it is sent */
  readonly down?: string
  /** it is the message caught at this place, sent again as it is */
  readonly resend?: string
}

const unix = 'connector:unix'
const remote = 'connector:remote'
const mailboxes = 'mailbox-host:corp'

export const sampleMessages: readonly SampleMessage[] = [
  {
    title: 'to a mailbox',
    recipients: [to('anna@example.local', delivered(mailboxes))],
  },
  {
    title: 'to the Unix users of a shared domain',
    recipients: [to('walter@example.com', delivered(unix))],
  },
  {
    title: 'to a contact',
    recipients: [to('internetuser@xo.one', delivered(remote, 'internetUser@remote.domain'))],
  },
  {
    title: 'to nobody, in an authoritative domain',
    recipients: [to('nobody@example.local', refused(550, '5.1.1'))],
  },
  {
    title: 'a stranger tries to relay',
    recipients: [to('victim@foreign.example', refused(550, '5.7.1'))],
  },
  {
    title: 'one message to a mailbox, a contact, a Unix user and nobody',
    recipients: [
      to('anna@example.com', delivered(mailboxes)),
      to('lotte@example.com', delivered(remote, 'lotte@remote.domain')),
      to('olga@example.com', delivered(unix)),
      to('noone@example.local', refused(550, '5.1.1')),
    ],
  },
  {
    title: 'the Unix system sends back whom it does not know',
    client: (stage) => stage.catchers.get(unix)?.host ?? '',
    resend: unix,
    recipients: [to('walter@example.com', refused(550, '5.1.1'))],
  },
  {
    title: 'the same message comes back another way',
    resend: unix,
    recipients: [to('walter@example.com', refused(550, '5.4.6'))],
  },
  {
    title: 'the Unix system is down for a moment',
    down: unix,
    recipients: [to('xenia@example.com', { kind: 'queued', place: unix, as: 'xenia@example.com' })],
  },
]

function to(address: string, ending: Ending | ((address: string) => Ending)) {
  return { address, ending: typeof ending === 'function' ? ending(address) : ending }
}

function delivered(place: string, as?: string): (address: string) => Ending {
  return (address) => ({ kind: 'delivered', place, as: as ?? address })
}

function refused(code: number, enhanced: string): Ending {
  return { kind: 'refused', code, enhanced }
}
