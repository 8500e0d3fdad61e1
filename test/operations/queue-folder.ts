/** Queue folders for tests, written as Haraka and delivery write them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FakeEntry {
  readonly uuid: string
  /** as in an entry's notes; absent: Haraka's own outbound has it */
  readonly place?: Readonly<Record<string, string>>
  readonly sender?: string
  readonly recipients?: readonly string[]
  /** original addresses, by recipient */
  readonly originals?: Readonly<Record<string, string>>
  /** milliseconds since 1970 */
  readonly since?: number
  readonly next?: number
  readonly attempts?: number
  readonly pid?: number
  readonly host?: string
  readonly kept?: boolean
  readonly body?: string
}

let counter = 0

/** Writes the entry and answers the name of its file. */
export function writeEntry(folder: string, entry: FakeEntry): string {
  const { since = Date.now(), next = since, attempts = 0, pid = 1, host = 'gateway' } = entry
  const {
    recipients = ['to@unix.example'],
    originals = {},
    body = 'Subject: x\r\n\r\nbody\r\n',
  } = entry
  const unique = `T${String(counter).padStart(5, '0')}`
  const own = [since, next, attempts, pid, unique, counter++ % 10_000, host].join('_')
  const name = entry.kept === true ? `error.${own}` : own
  const notes = entry.place && {
    version: 1,
    place: entry.place,
    recipients: Object.fromEntries(
      recipients.map((one) => [one, { original: originals[one] ?? one, orcpt: '' }]),
    ),
    lists: '',
    eightBit: false,
    utf8: false,
  }
  const todo = {
    queue_time: since,
    domain: recipients[0]?.split('@').at(-1) ?? '',
    rcpt_to: recipients.map(address),
    mail_from: address(entry.sender ?? 'from@client.example'),
    notes: notes ? { address_space: notes } : {},
    uuid: entry.uuid,
    force_tls: false,
  }
  const json = Buffer.from(`\n${JSON.stringify(todo, undefined, '\t')}\n`)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(json.length)
  writeFileSync(join(folder, name), Buffer.concat([head, json, Buffer.from(body)]), { mode: 0o600 })
  return name
}

function address(text: string): Record<string, string> {
  const at = text.lastIndexOf('@')
  return {
    original: `<${text}>`,
    original_host: text.slice(at + 1),
    host: text.slice(at + 1).toLowerCase(),
    user: at === -1 ? '' : text.slice(0, at),
  }
}
