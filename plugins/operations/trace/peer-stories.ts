/**
 * Asks other gateways' status pages (`/trace.json`) for their stories of a message. One that does not
 * answer is told as such: its part of the story is not known, which is not that there is none.
 */
import { errorText } from '../../basics/error-text.js'
import type { Story, StoryEvent } from './story.js'

export interface PeerAnswer {
  readonly peer: string
  readonly events: readonly StoryEvent[]
  /** why it could not be asked */
  readonly failed?: string
}

// milliseconds; octets of an answer
const patience = 10_000
const longestAnswer = 16 * 1024 * 1024

/** `peer`: its address without a slash at the end. `token`: empty: none. Never rejects. */
export async function peerStories(peer: string, what: string, token: string): Promise<PeerAnswer> {
  try {
    const response = await fetch(`${peer}/trace.json?what=${encodeURIComponent(what)}`, {
      headers: token === '' ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(patience),
      redirect: 'error',
    })
    const body = await response.text()
    if (response.status === 401 || response.status === 403) {
      throw new Error('it wants the token of its status page (token_file in [status])')
    }
    if (!response.ok) throw new Error(`it said ${response.status} ${body.slice(0, 200).trim()}`)
    if (body.length > longestAnswer) throw new Error('its answer is too long')
    const stories = JSON.parse(body) as Story[]
    return {
      peer,
      events: stories.flatMap(({ events }) => events.map((one) => ({ ...one, journal: peer }))),
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
    const why = cause ? `${errorText(error)}: ${cause.message}` : errorText(error)
    return { peer, events: [], failed: why }
  }
}
