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

/**
 * `undefined` for a line that is no decision. Only a line that one of the pack's plugins has written
 * counts: a client's words stand in lines of others, or inside a value.
 */
export function parseDecision(line: string): LoggedDecision | undefined {
  if (!line.includes('decision=')) return undefined
  const message = messageOf(line)
  const decision = /^decision=([\w-]+) /u.exec(message)?.[1]
  if (decision === undefined) return undefined
  const words = readWords(message.slice(`decision=${decision} `.length))
  const text = (key: string): string | undefined => {
    const value = words?.get(key)
    return typeof value === 'string' ? value : undefined
  }
  const recipient = text('recipient')
  if (!words || recipient === undefined) return undefined
  const chain = words.get('chain')
  return {
    decision,
    recipient,
    place: text('place'),
    reply: text('reply'),
    directory: text('directory'),
    chain: Array.isArray(chain) ? chain.map(String) : [],
    detail: text('detail'),
    observed: words.has('observed'),
  }
}

const ours = /^(?:address-space\/)?(?:accepted-domains|contacts|connectors)$/u

// what a log daemon puts in front, then Haraka's own words in each of its formats: all before anything
// that a client has said
const before = String.raw`^(?:[^[{"]|\[\d+\])*`
const plain = new RegExp(String.raw`${before}\[\w+\] \[[^\]\s]*\] \[([^\]\s]*)\] (.*)$`, 'u')
const logfmt = new RegExp(
  String.raw`${before}\blevel=\w+ uuid=\S+ origin=(\S+) message="((?:[^"\\]|\\.)*)"`,
  'u',
)
const json = new RegExp(String.raw`${before}(\{"level":.*)$`, 'u')

/** What one of our plugins said in a line; empty: another line. */
function messageOf(line: string): string {
  const words = plain.exec(line)
  if (words) return ours.test(words[1] ?? '') ? (words[2] ?? '') : ''
  const fields = logfmt.exec(line)
  if (fields) {
    return ours.test(fields[1] ?? '') ? (fields[2] ?? '').replace(/\\(["\\])/gu, '$1') : ''
  }
  try {
    const { origin, message } = JSON.parse(json.exec(line)?.[1] ?? '{}') as Record<string, unknown>
    return typeof message === 'string' && ours.test(String(origin)) ? message : ''
  } catch {
    return ''
  }
}

/** `key=value key=value …`, each value JSON; `undefined` if the line is anything else. */
function readWords(text: string): Map<string, unknown> | undefined {
  const words = new Map<string, unknown>()
  const word = /(\w+)=("(?:[^"\\]|\\.)*"|\[(?:"(?:[^"\\]|\\.)*",?)*\])(?: |$)/uy
  while (word.lastIndex < text.length) {
    const [, key, value] = word.exec(text) ?? []
    if (key === undefined || value === undefined || words.has(key)) return undefined
    try {
      words.set(key, JSON.parse(value))
    } catch {
      return undefined
    }
  }
  return words
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
