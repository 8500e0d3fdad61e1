/** One way in which a host fails, and what is to come of it; what the cases have in common. */
import type { Script } from '../../../harness/fault-server.js'

export interface Case {
  readonly script: Script
  readonly lmtp?: boolean
  readonly extensions?: readonly string[]
  /** of the client's MAIL command */
  readonly parameters?: string
  /** in front of the body */
  readonly text?: string
  /** octets of the message */
  readonly size?: number
  readonly to?: readonly string[]
  /** the gateway's answer to the final dot */
  readonly hears: RegExp
  readonly delivered?: readonly string[]
  readonly queued?: readonly string[]
  readonly reported?: readonly string[]
  /** the host may have taken it before: a duplicate is possible */
  readonly twice?: boolean
}

export const queued = /^250 2\.0\.0 queued/u
export const someRefused: Script = {
  rcpt: (address) =>
    address.startsWith('no@')
      ? '550 5.1.1 unknown here'
      : address.startsWith('later@')
        ? '450 4.2.1 greylisted'
        : undefined,
}
/** As a host does that takes one recipient a message: in the next one there is room. */
export const onceTooMany = (reply: string): NonNullable<Script['rcpt']> => {
  let said = false
  return (address) => {
    if (said || !address.startsWith('no@')) return undefined
    said = true
    return reply
  }
}
export const all = ['ok', 'no', 'later']
