/**
 * Plays steps into a socket, one after the other: what comes after a step that takes its time waits
 * for it, so that replies keep the order of the commands.
 */
import type { Socket } from 'node:net'

import type { Step } from './fault-script.js'

export class Player {
  socket: Socket
  /** nothing more is said, and nothing listened to */
  ended = false
  /** a step takes its time */
  pausing = false
  private readonly latency: () => number
  private readonly goOn: () => void
  private readonly waiting: Step[] = []

  /** `goOn` is called when a step that took its time is over. */
  constructor(socket: Socket, latency: () => number, goOn: () => void) {
    this.socket = socket
    this.latency = latency
    this.goOn = goOn
  }

  play(step: Step): void {
    if (this.ended) return
    if (this.pausing) {
      this.waiting.push(step)
    } else if (typeof step === 'string') {
      this.playWord(step)
    } else if ('raw' in step) {
      this.write(step.raw)
    } else if ('reply' in step) {
      this.write(`${step.reply}\r\n`)
      this.play(step.next)
    } else if ('after' in step) {
      this.pausing = true
      setTimeout(() => this.resume(step.step), step.after).unref()
    } else {
      this.drip(step.drip, step.every)
    }
  }

  private resume(step: Step): void {
    this.pausing = false
    this.play(step)
    // any of them may pause again
    for (let next = this.take(); next !== undefined; next = this.take()) this.play(next)
    if (!this.pausing) this.goOn()
  }

  private take(): Step | undefined {
    return this.pausing ? undefined : this.waiting.shift()
  }

  private playWord(word: string): void {
    if (word === 'silent') return
    if (word !== 'close') {
      this.write(`${word}\r\n`)
      return
    }
    this.ended = true
    const { socket } = this
    this.later(() => {
      socket.end()
      // what was said before has gone out; a client that goes on talking is not listened to
      setTimeout(() => socket.destroy(), 20).unref()
    })
  }

  private drip(text: string, every: number): void {
    const octets = `${text}\r\n`.split('')
    const timer = setInterval(() => {
      const octet = octets.shift()
      if (octet === undefined || this.socket.destroyed) clearInterval(timer)
      else this.socket.write(octet)
    }, every)
    timer.unref()
  }

  private write(octets: Uint8Array | string): void {
    const { socket } = this
    this.later(() => socket.write(octets))
  }

  /** On its way for as long as the line is. */
  private later(say: () => void): void {
    const latency = this.latency()
    if (latency > 0) setTimeout(say, latency).unref()
    else say()
  }
}
