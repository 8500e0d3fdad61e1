/**
 * Finds the stories of what an administrator knows of a message: its Message-ID, a transaction's id,
 * the next host's, an address. The journal is read until nothing new turns up: first who speaks of
 * it, then all that these transactions did, and those with the same Message-ID (a message that came
 * back, or that another gateway had).
 */
import { readJournal } from '../journal/journal-reader.js'
import {
  messageIdOf,
  speaksOf,
  storiesOf,
  transactionOf,
  type Story,
  type StoryEvent,
} from './story.js'

export interface Question {
  readonly what: string
  /** this gateway's journal */
  readonly folder: string
  /** journals of other gateways */
  readonly others?: readonly string[]
  /** milliseconds since 1970: transactions that nothing newer speaks of are left out */
  readonly since?: number
  readonly progress?: (octets: number) => void
}

export interface Found {
  readonly stories: readonly Story[]
  /** more transactions were found than are told: the newest are */
  readonly more: boolean
}

/** Stories at a time: an address may have had thousands. */
export const mostStories = 100
const mostRounds = 5

/** Never more than `mostStories`. Rejects if a journal cannot be read. */
export async function findStories(question: Question): Promise<Found> {
  const { since } = question
  const what = question.what
    .trim()
    .replace(/^<(.*)>$/su, '$1')
    .toLowerCase()
  const transactions = new Map<string, string>()
  let more = false
  const note = (event: StoryEvent): void => {
    const transaction = transactionOf(event.uuid)
    transactions.delete(transaction)
    transactions.set(transaction, event.time)
    const [oldest] = transactions.keys()
    if (transactions.size <= mostStories || oldest === undefined) return
    transactions.delete(oldest)
    more = true
  }
  for await (const event of eventsOf(question, [inJson(what)], since)) {
    if (speaksOf(event, what)) note(event)
  }
  let events: StoryEvent[] = []
  for (let round = 0; round < mostRounds && transactions.size > 0; round++) {
    const known = new Set(transactions.keys())
    events = await allOf(question, known)
    const ids = new Set(events.map(messageIdOf).filter((id) => id !== ''))
    const before = transactions.size
    if (ids.size > 0 && ids.size <= mostStories) {
      for await (const event of eventsOf(question, [...ids].map(inJson), undefined)) {
        const id = messageIdOf(event)
        if (ids.has(id) && !transactions.has(transactionOf(event.uuid))) {
          note(event)
        }
      }
    }
    if (transactions.size === before) break
  }
  return { stories: storiesOf(events), more }
}

async function allOf(question: Question, transactions: ReadonlySet<string>): Promise<StoryEvent[]> {
  const events: StoryEvent[] = []
  for await (const event of eventsOf(question, [...transactions].map(inJson), undefined)) {
    if (transactions.has(transactionOf(event.uuid))) events.push(event)
  }
  return events
}

async function* eventsOf(
  { folder, others = [], progress }: Question,
  holding: readonly string[],
  since: number | undefined,
): AsyncGenerator<StoryEvent> {
  for (const journal of [folder, ...others]) {
    const options = {
      holding,
      ...(since !== undefined && { since }),
      ...(progress && { progress }),
    }
    for await (const line of readJournal(journal, options)) {
      if (line.kind === 'gap') continue
      yield journal === folder ? line : { ...line, journal }
    }
  }
}

/** As it stands in a line of JSON, in lower case. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1).toLowerCase()
}
