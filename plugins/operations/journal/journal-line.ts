/**
 * A line of the journal: one JSON object, the time first, then what happened (../../mail/mail-event.ts)
 * to which message. People read it with `less` and `jq`, so keys are words and nothing is packed.
 *
 * Strangers' texts stand in it (addresses, replies, Message-IDs): each is cut to a bound, and JSON
 * leaves no control character as it is, so that nobody makes a line of his own.
 */
import type { MailEvent } from '../../mail/mail-event.js'

/** Events that were not written: the disk was full, or more came than the writer may hold. */
export interface Gap {
  readonly kind: 'gap'
  readonly dropped: number
}

/** As it is written. `process`: who saw it. */
export type JournalLine = { readonly time: string; readonly process: number } & (MailEvent | Gap)

const longestText = 1000
const odd = /[\u2028\u2029\u007f-\u009f]/u
const everyOdd = new RegExp(odd, 'gu')
const longestList = 1000

/** With its line end. `now`: milliseconds since 1970. */
export function formatLine(event: MailEvent | Gap, now: number, pid: number): string {
  let text = JSON.stringify(event)
  // looking at each value costs more than all the rest, so only where there may be something to cut
  if (text.length > longestText) text = JSON.stringify(event, cut)
  // JSON lets these stand, and some readers take them for the end of a line
  if (odd.test(text)) text = text.replace(everyOdd, escapeCharacter)
  return `{"time":"${timeText(now)}",${text.slice(1, -1)},"process":${pid}}\n`
}

let lastTime = { now: Number.NaN, text: '' }

/** Many events have the same. */
function timeText(now: number): string {
  if (lastTime.now !== now) lastTime = { now, text: new Date(now).toISOString() }
  return lastTime.text
}

/** `undefined`: no line of a journal (cut off by a full disk, or something else). */
export function parseLine(text: string): JournalLine | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const line = JSON.parse(text) as Partial<JournalLine>
    const whole = typeof line.kind === 'string' && !Number.isNaN(Date.parse(String(line.time)))
    return whole ? (line as JournalLine) : undefined
  } catch {
    return undefined
  }
}

function cut(_key: string, value: unknown): unknown {
  if (typeof value === 'string' && value.length > longestText) {
    return `${value.slice(0, longestText)}…`
  }
  if (Array.isArray(value) && value.length > longestList) return value.slice(0, longestList)
  return value
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
