/**
 * What the journal tells of the messages of a trace run, compared with what the hosts saw: nothing less,
 * nothing more.
 */
import { join } from 'node:path'

import { findStories } from '../plugins/operations/trace/find-stories.js'
import type { Story } from '../plugins/operations/trace/story.js'
import type { FaultServer } from '../test/harness/fault-server.js'

export const kinds = [
  'local',
  'shared',
  'contact',
  'refused',
  'looped',
  'bounced',
  'deferred',
  'adopted',
] as const
export type Kind = (typeof kinds)[number]

export interface Sent {
  readonly kind: Kind
  readonly messageId: string
  readonly to: string
}

export interface Hosts {
  readonly mailboxes: FaultServer
  readonly unix: FaultServer
  readonly remote: FaultServer
  readonly queued: FaultServer
  readonly sender: FaultServer
}

export interface Comparison {
  /** messages of each kind that were told right */
  readonly right: Readonly<Record<Kind, number>>
  /** `Message-ID: expected …, told …` */
  readonly wrong: readonly string[]
}

/** `dir`: the install */
export async function compare(
  dir: string,
  hosts: Hosts,
  all: readonly Sent[],
): Promise<Comparison> {
  const right = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>
  const wrong: string[] = []
  const seen = whatHostsSaw(hosts)
  const folder = join(dir, 'journal')
  for (const { kind, messageId, to } of all) {
    // a recipient that is refused at RCPT never comes to have a Message-ID
    const what = kind === 'refused' ? to : messageId
    const { stories } = await findStories({ what, folder })
    const expected = [...(seen.get(messageId) ?? []), ...ends[kind]].sort().join(' · ')
    const told = stories.flatMap(tellings).sort().join(' · ')
    if (told === expected) right[kind]++
    else wrong.push(`${messageId}: expected ${expected || 'nothing'}, told ${told || 'nothing'}`)
  }
  return { right, wrong }
}

/** What nobody but the gateway itself can have seen. */
const ends: Readonly<Record<Kind, readonly string[]>> = {
  local: [],
  shared: [],
  contact: [],
  refused: ['550 5.1.1'],
  looped: ['loop'],
  bounced: ['refused', 'report'],
  deferred: [],
  adopted: ['adopted'],
}

/** By Message-ID: each delivery as host and recipient; the reports are told by what they report. */
function whatHostsSaw(hosts: Hosts): Map<string, string[]> {
  const seen = new Map<string, string[]>()
  for (const host of Object.values(hosts) as FaultServer[]) {
    for (const { wire, to, from } of host.messages) {
      const text = wire.toString()
      const isReport = from === '' || from === '<>'
      const ids = [...text.matchAll(/^Message-ID: <([^>]*)>\r$/gimu)].map(([, id = '']) => id)
      const id = (isReport ? ids.at(-1) : ids[0]) ?? ''
      const list = seen.get(id) ?? []
      for (const recipient of to) list.push(`${host.host}:${host.port} ${recipient}`)
      seen.set(id, list)
    }
  }
  return seen
}

function tellings({ events }: Story): string[] {
  return events.flatMap((event): string[] => {
    switch (event.kind) {
      case 'delivered':
        return [
          `${/\[([^\]]*)\]:(\d+)/u.exec(event.host)?.slice(1).join(':') ?? event.host} ${event.recipient}`,
        ]
      case 'refused':
        return ['refused']
      case 'reported':
        return ['report']
      case 'decided':
        return event.reply === undefined ? [] : [event.reply]
      case 'loop':
        return ['loop']
      case 'adopted':
        return ['adopted']
      case 'received':
      case 'queued':
      case 'deferred':
      case 'returned':
      case 'dropped':
      case 'kept':
      case 'removed':
      case 'paused':
      case 'resumed':
      case 'retried':
        return []
    }
  })
}
