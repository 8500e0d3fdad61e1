import { seeded } from '../seeded.js'

/** Chance with a seed, so that what was found is found again; and what it makes of texts and values. */
export class Chance {
  /** from 0 up to, but not, 1 */
  readonly next: () => number

  constructor(seed: number) {
    this.next = seeded(seed)
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** true once in `times` */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  /** Pieces of other texts, signs that mean something somewhere, and octets. */
  text(pieces: readonly string[], most = 6): string {
    return Array.from({ length: 1 + this.below(most) }, () => {
      if (this.once(3))
        return String.fromCodePoint(this.pick([this.below(128), this.below(0x3000)]))
      if (this.once(20)) return this.pick(pieces).repeat(this.below(500))
      return this.pick(pieces)
    }).join('')
  }

  /** The text with some of it changed, cut out, doubled or moved. */
  mutate(text: string, pieces: readonly string[]): string {
    let result = text
    for (let times = 1 + this.below(3); times > 0; times -= 1) {
      const at = this.below(result.length + 1)
      const end = Math.min(result.length, at + this.below(8))
      const part = this.pick([
        '',
        this.text(pieces, 2),
        result.slice(at, end).repeat(1 + this.below(3)),
      ])
      result = result.slice(0, at) + part + result.slice(end)
    }
    return result
  }

  /** A value of JSON of the wrong kind or shape, somewhere inside. */
  spoil(value: unknown, pieces: readonly string[]): unknown {
    if (this.once(4) || typeof value !== 'object' || value === null) {
      return this.pick<unknown>([
        null,
        0,
        -1,
        1e300,
        '',
        [],
        {},
        true,
        this.text(pieces),
        [null],
        { version: 1 },
      ])
    }
    const keys = Object.keys(value)
    if (keys.length === 0) return this.text(pieces)
    const key = this.pick(keys)
    const copy = structuredClone(value) as Record<string, unknown>
    copy[key] = this.spoil(copy[key], pieces)
    if (this.once(5)) Reflect.deleteProperty(copy, key)
    return copy
  }
}

export const pieces: readonly string[] = [
  ...'"\'\\@%!<>()[]{}:;,.=*&|+-_/?#$~^` \t\r\n'.split(''),
  '\0',
  '\r\n',
  '\r\n.\r\n',
  '\u202e',
  '\u212a',
  '\ud83d\udce7',
  'ß',
  'İ',
  'xn--',
  'example.com',
  'anna@example.com',
  'postmaster',
  'IPv6:::1',
  '250 ok',
  '250-',
  '354 go',
  '421 4.7.0 bye',
  '450 4.2.1 later',
  '550 5.1.1 no',
  '999',
  'smtp:',
  'SMTP:',
  'IMCEASMTP-',
  'X-Address-Space-Loop:',
  'Received:',
  'List-Id: <',
  'decision=shared ',
  'recipient="',
  '[NOTICE] [1.1] [address-space/accepted-domains] ',
  '{address}',
  '+28',
  'rfc822;',
]
