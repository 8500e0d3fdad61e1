/** What the catchers of a staged MX got: who is asked for, and what nobody asked for. */
import type { CaughtMessage } from './catcher.js'
import type { StagedMx } from './staged-mx.js'

export interface Arrival {
  /** the key of the place */
  readonly place: string
  readonly recipient: string
  readonly message: CaughtMessage
}

export class Arrivals {
  private readonly all: Arrival[] = []
  private readonly taken = new Set<Arrival>()
  private readonly waiting = new Set<() => void>()

  constructor(stage: StagedMx) {
    stage.onMessage((place, message) => {
      for (const recipient of message.to) this.all.push({ place, recipient, message })
      for (const look of this.waiting) look()
    })
  }

  /** The first message that came to a place. */
  firstAt(place: string): CaughtMessage | undefined {
    return this.all.find((arrival) => arrival.place === place)?.message
  }

  /** Takes the arrival of a message for a recipient; `undefined` if it does not come in time. */
  take(messageId: string, recipient: string, timeout: number): Promise<Arrival | undefined> {
    return new Promise((resolve) => {
      const look = (): void => {
        const arrival = this.left().find(
          (one) =>
            one.recipient.toLowerCase() === recipient.toLowerCase() &&
            one.message.raw.includes(messageId),
        )
        if (arrival) settle(arrival)
      }
      const settle = (arrival?: Arrival): void => {
        clearTimeout(timer)
        this.waiting.delete(look)
        if (arrival) this.taken.add(arrival)
        resolve(arrival)
      }
      const timer = setTimeout(settle, timeout).unref()
      this.waiting.add(look)
      look()
    })
  }

  /** What arrived and was not taken. */
  left(): Arrival[] {
    return this.all.filter((arrival) => !this.taken.has(arrival))
  }
}
