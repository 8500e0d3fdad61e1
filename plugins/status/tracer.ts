/**
 * The trace box: the story of a message out of this gateway's journal, and of the other gateways' when
 * `peers` names them. One search at a time, and of the last days only: reading a journal must not cost
 * the mail its time. The command `address-space trace` reads all of it.
 */
import { existsSync } from 'node:fs'

import { errorText } from '../basics/error-text.js'
import type { Operations } from '../operations/operations.js'
import type { QueueSource } from './queue-source.js'
import { findStories } from '../operations/trace/find-stories.js'
import { formatStory, type StillQueued } from '../operations/trace/format-story.js'
import { storiesOf, transactionOf, type Story } from '../operations/trace/story.js'
import { html, type Html } from './page/html.js'

const days = 7
// milliseconds for another gateway
const peerPatience = 8000
const plain = { bold: (text: string) => text, dim: (text: string) => text }

export class Tracer {
  private readonly operations: Operations
  /** what the other gateways want to see; absent: there is no token */
  private readonly token: (() => string) | undefined
  private readonly queue: QueueSource
  private searching = false

  constructor(operations: Operations, queue: QueueSource, token: (() => string) | undefined) {
    this.operations = operations
    this.queue = queue
    this.token = token
  }

  /** Whether there is a journal. */
  get possible(): boolean {
    return existsSync(this.operations.paths.journal)
  }

  /** The stories of this gateway. Rejects with a reason for people. */
  async stories(what: string): Promise<readonly Story[]> {
    if (what === '') throw new Error('expected what to look for, got nothing')
    if (!this.possible) throw new Error('there is no journal: set [journal] in address-space.ini')
    if (this.searching) throw new Error('another search is under way: try again in a moment')
    this.searching = true
    try {
      const { control, paths } = this.operations
      await control.handle({ command: 'flush' }, () => undefined)
      const since = Date.now() - days * 86_400_000
      return (await findStories({ what, folder: paths.journal, since })).stories
    } finally {
      this.searching = false
    }
  }

  /** For the page: every gateway's, as text. */
  async trace(what: string): Promise<Html> {
    const { peers } = this.operations.config.status
    const [own, ...others] = await Promise.all([
      this.stories(what),
      ...peers.map((peer) => this.ask(peer, what)),
    ])
    const silent = others.flatMap((answer) => ('failed' in answer ? [answer] : []))
    const events = others.flatMap((answer) =>
      'stories' in answer
        ? answer.stories.flatMap((story) =>
            story.events.map((event) => ({ ...event, journal: answer.peer })),
          )
        : [],
    )
    const stories = storiesOf([...own.flatMap((story) => story.events), ...events])
    const queued = await this.queued(own)
    const now = Date.now()
    return html`
      ${silent.map(({ peer, failed }) => html`<p>${peer} did not answer: ${failed}</p>`)}
      ${
        stories.length === 0
          ? html`<p>The journal of the last ${days} days knows nothing of it.</p>`
          : stories.map((story) => {
              const waiting = queued.get(story.transaction) ?? []
              return html`<pre class="answer" tabindex="0">
${formatStory(story, waiting, now, plain)}</pre>`
            })
      }
    `
  }

  private async ask(
    peer: string,
    what: string,
  ): Promise<
    { readonly peer: string } & ({ readonly stories: Story[] } | { readonly failed: string })
  > {
    try {
      const response = await fetch(`${peer}/trace.json?what=${encodeURIComponent(what)}`, {
        headers: this.token ? { Authorization: `Bearer ${this.token()}` } : {},
        signal: AbortSignal.timeout(peerPatience),
        redirect: 'error',
      })
      if (!response.ok) return { peer, failed: `it said ${response.status}` }
      return { peer, stories: (await response.json()) as Story[] }
    } catch (error) {
      return { peer, failed: errorText(error) }
    }
  }

  /** Entries of these stories that wait here now. */
  private async queued(stories: readonly Story[]): Promise<Map<string, StillQueued[]>> {
    const wanted = new Set(stories.map(({ transaction }) => transaction))
    const queued = new Map<string, StillQueued[]>()
    if (wanted.size === 0) return queued
    const { entries, tries } = await this.queue.read()
    for (const entry of entries) {
      const transaction = transactionOf(entry.uuid)
      if (!wanted.has(transaction)) continue
      const before = queued.get(transaction) ?? []
      queued.set(transaction, [...before, { ...entry, nextTry: tries.get(entry.name) }])
    }
    return queued
  }
}
