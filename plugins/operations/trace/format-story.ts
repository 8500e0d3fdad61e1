/**
 * A story as lines for people: who sent what, then a line an event with its time, and what is in the
 * queue now. Pure.
 */
import { formatDuration } from '../../config/units.js'
import { nextHostId } from './next-host-id.js'
import type { Story, StoryEvent } from './story.js'

/** An entry that is in the queue now. */
export interface StillQueued {
  readonly name: string
  readonly place: string
  readonly recipients: readonly { readonly recipient: string; readonly original: string }[]
  readonly kept: boolean
  /** milliseconds since 1970; `undefined`: not while its place is paused, or never since it is kept */
  readonly nextTry: number | undefined
}

export interface StoryStyle {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
}

export function formatStory(
  story: Story,
  queued: readonly StillQueued[],
  now: number,
  { bold, dim }: StoryStyle,
): string {
  const { messageId, sender, events, transaction } = story
  const title = messageId === '' ? `transaction ${transaction}` : `<${messageId}>`
  const lines = [bold(printable(`${title} from <${sender}>`))]
  const client = events.flatMap((event) => ('client' in event ? (event.client ?? []) : []))[0]
  if (client) {
    const hello = client.hello === '' ? '' : ` (${client.hello})`
    lines.push(dim(printable(`  client ${client.ip}${hello}, transaction ${transaction}`)))
  }
  let day = ''
  for (const event of events) {
    const [date = '', time = ''] = event.time.replace('Z', '').split('T')
    if (date !== day) lines.push(dim(`  ${date} (UTC)`))
    day = date
    const from = event.journal === undefined ? '' : dim(` [${event.journal}]`)
    lines.push(`  ${dim(time)}  ${printable(textOf(event))}${from}`)
  }
  for (const { name, place, recipients, kept, nextTry } of queued) {
    const whom = recipients.map(path).join(', ')
    const left =
      nextTry === undefined
        ? 'when resumed'
        : nextTry <= now
          ? 'now'
          : `in ${formatDuration(nextTry - now)}`
    const what = kept
      ? `kept in the queue folder as ${name}`
      : `in the queue for ${place}, next try ${left}`
    lines.push(`  ${dim('now         ')}  ${what}: ${printable(whom)}`)
  }
  return `${lines.join('\n')}\n`
}

/** What strangers wrote moves no cursor of a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}

function textOf(event: StoryEvent): string {
  switch (event.kind) {
    case 'received':
      return `received    ${event.size} octets`
    case 'decided':
      return `decided     ${decidedText(event)}`
    case 'queued':
      return `queued      ${event.recipients.map(path).join(', ')} for ${event.place}: ${event.reason}`
    case 'delivered': {
      const id = nextHostId(event.reply)
      const has = id === undefined ? '' : ` (there: ${id})`
      return `delivered   ${path(event)} to ${event.host || event.place}${has}: ${event.reply}`
    }
    case 'deferred':
    case 'refused': {
      const host = event.host === '' ? '' : `, ${event.host}`
      return `${event.kind.padEnd(11)} ${path(event)} at ${event.place}${host}: ${event.reply}`
    }
    case 'reported': {
      const what = event.action === 'failed' ? 'failure' : 'delay'
      return `reported    ${what} of ${event.recipients.map(path).join(', ')} to <${event.to}>`
    }
    case 'returned':
      return `returned    ${event.recipients.map(path).join(', ')} to the sender, by ${event.by}`
    case 'dropped':
      return `dropped     ${event.recipients.map(path).join(', ')}, nobody is told, by ${event.by}`
    case 'adopted':
      return `adopted     ${event.recipients.map(path).join(', ')} for ${event.place}, by ${event.by}`
    case 'kept':
      return `kept        as ${event.entry}: ${event.reason}`
    case 'removed':
      return `removed     ${event.entry}: ${event.reason}`
    case 'paused':
    case 'resumed':
    case 'retried':
      return `${event.kind.padEnd(11)} ${event.place}, by ${event.by}`
    case 'loop':
      return `loop        ${path(event)}: ${event.reply}`
  }
}

function decidedText(event: StoryEvent & { readonly kind: 'decided' }): string {
  const { original, decision, place, reply, directory, chain } = event
  const where = place === undefined ? (reply ?? '') : place === 'left' ? 'the next plugin' : place
  const known = directory === undefined ? '' : `, directory ${directory}`
  const way = chain === undefined ? `<${original}>` : chain.map((one) => `<${one}>`).join(' → ')
  return `${way}: ${decision} → ${where}${known}`
}

function path({ recipient, original }: { recipient: string; original: string }): string {
  return recipient === original ? `<${recipient}>` : `<${recipient}> (written as <${original}>)`
}
