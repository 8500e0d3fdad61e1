/** What came of a crash test: who has what, how often, and what the sender was told. */
import type { FaultServer } from '../test/harness/fault-server.js'

export interface CrashResult {
  readonly kills: number
  /** kills at a moment of the log, by what it was */
  readonly moments: Readonly<Record<string, number>>
  /** messages tried to be sent */
  readonly sent: number
  /** messages that got 250 */
  readonly accepted: number
  /** recipients of those, and how many of them have the message */
  readonly recipients: number
  readonly delivered: number
  /** a recipient's second and further copies */
  readonly duplicates: number
  /** reports of a delay that reached the sender, and of a failure */
  readonly delayed: number
  readonly failed: number
  /** `message recipient` without a copy */
  readonly lost: readonly string[]
  /** copies at a host that the recipient does not belong to */
  readonly misplaced: readonly string[]
}

/** Messages that got 250, with their recipients. */
export type Accepted = ReadonlyMap<string, readonly string[]>

export function count(
  accepted: Accepted,
  hosts: readonly FaultServer[],
  /** of the places that they belong to */
  names: readonly string[],
): Omit<CrashResult, 'kills' | 'moments' | 'sent' | 'delayed' | 'failed'> {
  const copies = new Map<string, number>()
  const misplaced: string[] = []
  hosts.forEach((host, at) => {
    for (const { wire, to } of host.messages) {
      const number = /^Subject: (\w+)\r$/mu.exec(wire.toString())?.[1] ?? 'no number'
      for (const recipient of to) {
        const copy = `${number} ${recipient}`
        copies.set(copy, (copies.get(copy) ?? 0) + 1)
        const right = recipient.endsWith(`@${names[at]}.example`)
        if (!right || !recipient.startsWith(`${number}-`)) misplaced.push(copy)
      }
    }
  })
  const wanted = [...accepted].flatMap(([number, to]) =>
    to.map((address) => `${number} ${address}`),
  )
  const lost = wanted.filter((copy) => !copies.has(copy))
  const duplicates = [...copies.values()].reduce((sum, times) => sum + times - 1, 0)
  return {
    accepted: accepted.size,
    recipients: wanted.length,
    delivered: wanted.length - lost.length,
    duplicates,
    lost,
    misplaced,
  }
}

/** What the sender was told. */
export function reports({ messages }: FaultServer): Pick<CrashResult, 'delayed' | 'failed'> {
  const actions = messages.flatMap(({ wire }) => wire.toString().match(/^Action: \w+/gmu) ?? [])
  const of = (action: string): number => actions.filter((one) => one.endsWith(action)).length
  return { delayed: of('delayed'), failed: of('failed') }
}

export function formatResult(result: CrashResult): string {
  const { kills, sent, accepted, recipients, delivered, duplicates, lost, misplaced } = result
  const at = Object.entries(result.moments).map(([name, times]) => `${times} ${name}`)
  return [
    `${kills} kills (${at.join(', ')}); messages: ${sent} sent, ${accepted} accepted;`,
    `recipients of those: ${recipients}, ${delivered} delivered,`,
    `${duplicates} duplicates, ${lost.length} lost, ${misplaced.length} misplaced;`,
    `reported: ${result.delayed} delayed, ${result.failed} failed`,
  ].join(' ')
}
