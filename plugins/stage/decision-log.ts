/**
 * Reads the decisions back from the gateway's log: the line that says, for one recipient, which rule
 * decided, where the mail goes and why.
 */
export interface LoggedDecision {
  /** the rule: mailbox, contact, shared, unknown … */
  readonly decision: string
  readonly recipient: string
  /** the key of the place, for an accepted recipient */
  readonly place: string | undefined
  /** code and enhanced code, for a refused one */
  readonly reply: string | undefined
  readonly directory: string | undefined
  /** every address on the way, the recipient first; empty if there was one only */
  readonly chain: readonly string[]
  readonly detail: string | undefined
  /** the domain is observed, and authoritative would have refused */
  readonly observed: boolean
}

/** `undefined` for a line that is no decision. */
export function parseDecision(line: string): LoggedDecision | undefined {
  const at = line.indexOf('decision=')
  if (at === -1) return undefined
  const words = new Map<string, string>()
  for (const match of line.slice(at).matchAll(/(\w+)=(?:<([^>]*)>|"([^"]*)"|(\S+))/gu)) {
    words.set(match[1] ?? '', match[2] ?? match[3] ?? match[4] ?? '')
  }
  const decision = words.get('decision')
  const recipient = words.get('recipient')
  if (decision === undefined || recipient === undefined) return undefined
  return {
    decision,
    recipient,
    place: words.get('place'),
    reply: words.get('reply'),
    directory: words.get('directory'),
    chain: words.get('chain')?.split('>') ?? [],
    detail: words.get('detail'),
    observed: words.has('observed'),
  }
}

const reasons: Readonly<Record<string, string>> = {
  shared: 'unknown here, the other system has the rest',
  relay: 'a relay domain, passed on without a lookup',
  foreign: 'a foreign domain, and the client may relay',
  postmaster: 'postmaster is always accepted',
  'relaying-denied': 'not our domain, and the client is a stranger',
  unknown: 'in no directory, so there is no such user',
  'came-from-there': 'unknown here, and it came from there',
  'no-connector': 'unknown here, and no connector takes it',
  circle: 'contacts that point at each other',
}

/** Why, in words for an administrator. */
export function reasonOf({
  decision,
  directory,
  chain,
  detail,
}: Pick<LoggedDecision, 'decision' | 'directory' | 'chain' | 'detail'>): string {
  if (decision === 'mailbox') return `a mailbox in directory ${directory ?? ''}`
  if (decision === 'contact') return `a contact → ${chain.slice(1).join(' → ')}`
  return reasons[decision] ?? detail ?? decision
}
