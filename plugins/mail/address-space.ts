/**
 * Address spaces: `example.com` is that domain, `*.example.com` its subdomains and not itself, `*`
 * every domain. The most specific one wins: exact, then the longest wildcard, then `*`.
 *
 * A table answers in time that depends on the labels of the domain asked, not on its own size.
 * Exchange: accepted domains and connector address spaces; the article's "address space".
 */
import { normalizeDomain } from './mail-address.js'

export interface AddressSpace {
  /** `exact`, `subdomains` (`*.`) or `all` (`*`) */
  readonly kind: 'exact' | 'subdomains' | 'all'
  /** the domain without the wildcard; empty for `all` */
  readonly domain: string
  /** as users write it: `example.com`, `*.example.com`, `*` */
  readonly name: string
}

/** Reads an address space; `undefined` if the text is none. `all` says whether `*` is one here. */
export function parseAddressSpace(text: string, all: boolean): AddressSpace | undefined {
  if (text === '*') return all ? { kind: 'all', domain: '', name: '*' } : undefined
  const wildcard = text.startsWith('*.')
  const domain = normalizeDomain(wildcard ? text.slice(2) : text)
  if (domain === undefined || domain.startsWith('[')) return undefined
  return wildcard
    ? { kind: 'subdomains', domain, name: `*.${domain}` }
    : { kind: 'exact', domain, name: domain }
}

/** Whether every domain of `inner` is a domain of `outer`. */
export function covers(outer: AddressSpace, inner: AddressSpace): boolean {
  switch (outer.kind) {
    case 'all':
      return true
    case 'exact':
      return inner.kind === 'exact' && inner.domain === outer.domain
    case 'subdomains':
      return (
        inner.domain.endsWith(`.${outer.domain}`) ||
        (inner.kind === 'subdomains' && inner.domain === outer.domain)
      )
  }
}

/** What is filed under address spaces, found by domain. */
export class AddressSpaceTable<T> {
  private readonly exact = new Map<string, T>()
  private readonly subdomains = new Map<string, T>()
  private all: T | undefined

  /** Files a value; one that was there under the same space is replaced. */
  set(space: AddressSpace, value: T): void {
    if (space.kind === 'all') this.all = value
    else this[space.kind].set(space.domain, value)
  }

  /** What stands under exactly this space. */
  get(space: AddressSpace): T | undefined {
    return space.kind === 'all' ? this.all : this[space.kind].get(space.domain)
  }

  /** What stands under the most specific space that holds the domain (lower-case A-labels). */
  find(domain: string): T | undefined {
    return this.exact.get(domain) ?? this.findAll(domain)[0]
  }

  /** What stands under every space that holds the domain, the most specific first. */
  findAll(domain: string): T[] {
    const found: T[] = []
    const exact = this.exact.get(domain)
    if (exact !== undefined) found.push(exact)
    for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) {
      const wildcard = this.subdomains.get(domain.slice(dot + 1))
      if (wildcard !== undefined) found.push(wildcard)
    }
    if (this.all !== undefined) found.push(this.all)
    return found
  }

  forEach(visit: (value: T) => void): void {
    for (const value of this.exact.values()) visit(value)
    for (const value of this.subdomains.values()) visit(value)
    if (this.all !== undefined) visit(this.all)
  }
}
