/**
 * Typed settings out of an ini section, with every error collected instead of the first one thrown.
 *
 * A reader asks for each key that it knows; `finish` then reports the keys nobody asked for. An
 * error names file, section, key, what was expected and what came:
 * ``connectors.ini [unix] cost: expected a whole number from 0 up, got `abc` ``.
 */
import type { IniValue } from './ini.js'

/** All errors of a configuration at once; `errors` has a line for each. */
export class ConfigError extends Error {
  readonly errors: readonly string[]

  constructor(errors: readonly string[]) {
    super(errors.join('\n'))
    this.name = 'ConfigError'
    this.errors = errors
  }
}

type Values = ReadonlyMap<string, readonly IniValue[]>

export class Settings {
  private readonly where: string
  private readonly values: Values
  private readonly errors: string[]
  private readonly asked = new Set<string>()

  /** `section` is empty for the keys before the first section; errors are added to `errors`. */
  constructor(file: string, section: string, values: Values | undefined, errors: string[]) {
    this.where = section === '' ? file : `${file} [${section}]`
    this.values = values ?? new Map()
    this.errors = errors
  }

  /** Reports a value that was read but does not fit. */
  wrong(key: string, expected: string, got: string): void {
    this.errors.push(`${this.where} ${key}: expected ${expected}, got \`${got}\``)
  }

  /** Reports a key that has to be there. */
  missing(key: string, expected: string): void {
    this.errors.push(`${this.where} ${key}: expected ${expected}, got nothing`)
  }

  /** One value as written; empty if the key is not there or has no value. */
  text(key: string): string {
    this.asked.add(key)
    const values = this.values.get(key) ?? []
    if (values.length > 1) this.wrong(key, 'one value', values.map((v) => v.text).join(', '))
    return values[0]?.text ?? ''
  }

  /** Comma-separated, or one a `key[]` line; blanks around and empty items do not count. */
  list(key: string): string[] {
    this.asked.add(key)
    return (this.values.get(key) ?? [])
      .flatMap((value) => value.text.split(','))
      .map((item) => item.trim())
      .filter((item) => item !== '')
  }

  /** A whole number from `least` up. */
  wholeNumber(key: string, fallback: number, least: number): number {
    const text = this.text(key)
    if (text === '') return fallback
    const number = /^\d+$/u.test(text) ? Number(text) : Number.NaN
    if (Number.isSafeInteger(number) && number >= least) return number
    this.wrong(key, `a whole number from ${least} up`, text)
    return fallback
  }

  /** Seconds, with decimals, more than zero unless `zero`; answered in milliseconds. */
  seconds(key: string, fallback: number, options: { zero?: boolean } = {}): number {
    const text = this.text(key)
    const number = text === '' ? fallback : /^\d+(\.\d+)?$/u.test(text) ? Number(text) : Number.NaN
    if (number > 0 || (number === 0 && options.zero === true)) return number * 1000
    this.wrong(key, options.zero === true ? 'seconds from 0 up' : 'seconds above 0', text)
    return fallback * 1000
  }

  /** A time such as `90s`, `10m`, `4h`, `5d`; in milliseconds, `least` or more. */
  duration(key: string, fallback: number, least: number): number {
    const text = this.text(key)
    return text === '' ? fallback : this.readDuration(key, text, least, fallback)
  }

  /** Such times, at least one. */
  durations(key: string, fallback: readonly number[], least: number): readonly number[] {
    const texts = this.list(key)
    if (texts.length === 0) return fallback
    return texts.map((text) => this.readDuration(key, text, least, least))
  }

  private readDuration(key: string, text: string, least: number, fallback: number): number {
    const [, number = '', unit = ''] = /^(\d{1,9})([smhd])$/u.exec(text) ?? []
    const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit]
    const time = seconds === undefined ? Number.NaN : Number(number) * seconds * 1000
    if (time >= least || (text === '0' && least === 0)) return text === '0' ? 0 : time
    const atLeast = least === 0 ? '' : ` of at least ${least / 1000}s`
    this.wrong(key, `a time${atLeast} such as 90s, 10m, 4h or 5d`, text)
    return fallback
  }

  /** `true` or `false`, in Haraka's spellings. */
  flag(key: string, fallback: boolean): boolean {
    const text = this.text(key).toLowerCase()
    if (text === '') return fallback
    if (['true', 'yes', 'ok', 'enabled', 'on', '1'].includes(text)) return true
    if (['false', 'no', 'disabled', 'off', '0'].includes(text)) return false
    this.wrong(key, '`true` or `false`', text)
    return fallback
  }

  /** One of the words. */
  choice<T extends string>(key: string, words: readonly T[], fallback: T): T {
    const text = this.text(key)
    if (text === '') return fallback
    const word = words.find((candidate) => candidate === text)
    if (word === undefined) this.wrong(key, `one of ${words.join(', ')}`, text)
    return word ?? fallback
  }

  /** Reports every key of the section that was not asked for. */
  finish(): void {
    const known =
      this.asked.size > 0
        ? `expected one of ${[...this.asked].sort().join(', ')}`
        : 'expected a section before it'
    for (const key of this.values.keys()) {
      if (!this.asked.has(key)) {
        this.errors.push(`${this.where} ${key}: unknown key; ${known}`)
      }
    }
  }
}
