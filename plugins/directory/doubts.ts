/**
 * What cannot be told of a version of a directory: addresses that stand in a row which could not be read,
 * and, where a row does not even tell that, the version as a whole. "Could not find out" is never
 * "unknown": an address in doubt is answered 450 unless an object that could be read has it.
 *
 * Bounded: a version with very many doubts is in doubt as a whole.
 */
import { lookalikesOfRow } from './address-values.js'

const most = 100_000
// two addresses that lost what stood between them: which two, nobody can tell
const runTogether = /@[^\s"'<>(),;:|]*@/u

export interface Damage {
  /** of the file, from 1; 0: it has no lines */
  readonly line: number
  readonly reason: string
  /** what was to be read */
  readonly text: string
  /** something of it may be missing */
  readonly incomplete: boolean
}

export class Doubts {
  /** why nobody can be called unknown; empty: unknown is unknown */
  whole = ''
  private readonly byAddress = new Map<string, string>()

  get addresses(): number {
    return this.byAddress.size
  }

  /** `own`: addresses of the object that could be read, in doubt all the same. */
  add({ line, reason, text, incomplete }: Damage, own: readonly string[] = []): void {
    const where = line === 0 ? '' : `line ${line}: `
    const found = [...own, ...lookalikesOfRow(text)]
    const told = `it stands in a row that could not be read (${where}${reason})`
    for (const key of found) if (this.byAddress.size < most) this.byAddress.set(key, told)
    // octets that are lost, and text without an address, may stand for anybody
    const lost =
      incomplete || text.includes('\ufffd') || found.length === 0 || runTogether.test(text)
    if (lost || this.byAddress.size >= most) {
      this.doubtAll(`a row could not be read, and does not tell whose it is (${where}${reason})`)
    }
  }

  doubtAll(reason: string): void {
    this.whole ||= reason
  }

  /** Why an address that no object has cannot be called unknown; `undefined`: it is. */
  of(key: string): string | undefined {
    return this.byAddress.get(key) ?? (this.whole === '' ? undefined : this.whole)
  }

  toJSON(): { readonly whole: string; readonly byAddress: readonly (readonly [string, string])[] } {
    return { whole: this.whole, byAddress: [...this.byAddress] }
  }

  static from({ whole, byAddress }: ReturnType<Doubts['toJSON']>): Doubts {
    const doubts = new Doubts()
    doubts.whole = whole
    for (const [key, reason] of byAddress) doubts.byAddress.set(key, reason)
    return doubts
  }
}
