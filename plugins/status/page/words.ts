/** How the page says things: places, numbers, times. Pure. */
import { formatDuration } from '../../config/units.js'
import { html, type Html } from './html.js'
import type { PlaceView } from '../view.js'

export function placeTitle({ kind, name }: Pick<PlaceView, 'kind' | 'name'>): string {
  switch (kind) {
    case 'connector':
      return `connector ${name}`
    case 'mailbox-host':
      return `mailboxes of ${name}`
    case 'local':
      return 'mailboxes of this Haraka'
    case 'outbound':
      return 'by MX'
  }
}

/** 12,345 */
export function count(number: number): string {
  return number.toLocaleString('en')
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`
}

/** `3 min ago`, with the time of day for who wants it exactly. */
export function ago(time: number, now: number): Html {
  return timeElement(time, now - time < 1000 ? 'now' : `${formatDuration(now - time)} ago`)
}

/** `in 3 min`; what is over is due. */
export function ahead(time: number, now: number): Html {
  return timeElement(time, time <= now ? 'now' : `in ${formatDuration(time - now)}`)
}

export function age(time: number, now: number): Html {
  return timeElement(time, formatDuration(now - time))
}

function timeElement(time: number, text: string): Html {
  const date = new Date(time)
  return html`<time datetime="${date.toISOString()}" title="${clock(time)}">${text}</time>`
}

/** 2026-11-25 23:14:02 +01:00, in the gateway's time zone */
export function clock(time: number): string {
  const date = new Date(time)
  const offset = -date.getTimezoneOffset()
  const local = new Date(time + offset * 60_000).toISOString()
  const sign = offset < 0 ? '-' : '+'
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60]
  const zone = offset === 0 ? 'UTC' : `${sign}${two(hours)}:${two(minutes)}`
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zone}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`
}
