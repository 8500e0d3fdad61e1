/**
 * address-space.ini: what the administrator sees and how. One section a part of operations; a part
 * without its section is off, or has its defaults. Every error of the file is reported at once.
 *
 *   [journal]  what happened to each message, for `trace`; without the section there is none
 *   [status]   the status page: where it listens, the token, the other gateways
 *
 * The page shows where mail goes and can hold it back, so one that others can reach is refused
 * unless a token protects it.
 */
import { isIP } from 'node:net'

import { readIni, type IniSections } from '../config/ini.js'
import { ConfigError, Settings } from '../config/settings.js'
import { durationForm, parseDuration, parseSize, sizeForm } from '../config/units.js'

export type Listen =
  | { readonly kind: 'port'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }

export interface StatusSettings {
  readonly listen: Listen
  /** relative to the configuration's folder; empty: reading from loopback only, and no actions */
  readonly tokenFile: string
  /** the status pages of the other gateways, without a slash at the end */
  readonly peers: readonly string[]
}

export interface JournalSettings {
  /** milliseconds that a day's file is kept */
  readonly keep: number
  /** octets of all files together */
  readonly maxSize: number
}

export interface OperationsConfig {
  /** absent: no journal */
  readonly journal?: JournalSettings
  readonly status: StatusSettings
}

export const operationsFile = 'address-space.ini'
export const defaultListen: Listen = { kind: 'port', host: '127.0.0.1', port: 9904 }

/** Reads the lines of address-space.ini; a missing file is all defaults. Throws ConfigError. */
export function parseOperationsConfig(lines: readonly string[]): OperationsConfig {
  const { sections, errors } = readIni(operationsFile, lines)
  const known = ['', 'journal', 'status']
  new Settings(operationsFile, '', sections.get(''), errors).finish()
  for (const name of sections.keys()) {
    if (known.includes(name)) continue
    const expected = known.filter((section) => section !== '').map((section) => `[${section}]`)
    errors.push(
      `${operationsFile} [${name}]: unknown section; expected one of ${expected.join(', ')}`,
    )
  }
  const status = readStatus(new Settings(operationsFile, 'status', sections.get('status'), errors))
  const journal = readJournal(sections, errors)
  if (errors.length > 0) throw new ConfigError(errors)
  return { ...(journal && { journal }), status }
}

function readJournal(sections: IniSections, errors: string[]): JournalSettings | undefined {
  const values = sections.get('journal')
  if (!values) return undefined
  const settings = new Settings(operationsFile, 'journal', values, errors)
  const read = (key: string, texts: readonly [string, string], unit: Unit): number => {
    const [fallback, least] = texts
    const text = settings.text(key)
    const value = unit.parse(text || fallback)
    const bound = unit.parse(least) ?? 0
    if (value !== undefined && value >= bound) return value
    settings.wrong(key, `${unit.form}, at least ${least}`, text)
    return bound
  }
  const journal = {
    keep: read('keep', ['30d', '1d'], { parse: parseDuration, form: durationForm }),
    maxSize: read('max_size', ['1G', '1M'], { parse: parseSize, form: sizeForm }),
  }
  settings.finish()
  return journal
}

interface Unit {
  readonly form: string
  parse(text: string): number | undefined
}

function readStatus(settings: Settings): StatusSettings {
  const listen = readListen(settings)
  const tokenFile = settings.text('token_file')
  if (tokenFile === '' && listen.kind === 'port' && !isLoopback(listen.host)) {
    settings.missing(
      'token_file',
      `a token, since others than this machine can reach ${formatListen(listen)}`,
    )
  }
  const peers = settings.list('peers').flatMap((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url && /^https?:$/u.test(url.protocol)) return [url.href.replace(/\/+$/u, '')]
    settings.wrong('peers', 'addresses such as http://192.0.2.2:9904', text)
    return []
  })
  settings.finish()
  return { listen, tokenFile, peers }
}

function readListen(settings: Settings): Listen {
  const text = settings.text('listen')
  if (text === '') return defaultListen
  const listen = parseListen(text)
  if (listen) return listen
  settings.wrong(
    'listen',
    'an IP address and port such as 127.0.0.1:9904, or the path of a socket such as /run/haraka/status.sock',
    text,
  )
  return defaultListen
}

function parseListen(text: string): Listen | undefined {
  if (text.startsWith('/')) return { kind: 'socket', path: text }
  const [, inBrackets, plain = '', digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/u.exec(text) ?? []
  const host = inBrackets ?? plain
  const port = Number(digits)
  const isAddress = inBrackets === undefined ? isIP(plain) === 4 : isIP(inBrackets) === 6
  return isAddress && port >= 1 && port <= 65_535 ? { kind: 'port', host, port } : undefined
}

/** As it is written in the configuration. */
export function formatListen(listen: Listen): string {
  if (listen.kind === 'socket') return listen.path
  return listen.host.includes(':')
    ? `[${listen.host}]:${listen.port}`
    : `${listen.host}:${listen.port}`
}

/** Whether only this machine itself can have the address. */
export function isLoopback(ip: string): boolean {
  const plain = ip.replace(/^::ffff:/iu, '')
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}
