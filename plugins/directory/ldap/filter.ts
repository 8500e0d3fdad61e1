/**
 * The search filter for addresses: the template of the configuration with each address's values in
 * it, as ldapts filter objects. They carry values as they are, so nothing needs escaping (and ldapts
 * would read escaped UTF-8 wrongly from a string).
 *
 * A directory may hold an address spelled in another way than mail compares it: with a quoted local
 * part, or with an internationalised domain in Unicode. Each spelling is asked for.
 */
import { domainToUnicode } from 'node:url'

import {
  AndFilter,
  ApproximateFilter,
  EqualityFilter,
  ExtensibleFilter,
  GreaterThanEqualsFilter,
  LessThanEqualsFilter,
  NotFilter,
  OrFilter,
  PresenceFilter,
  SubstringFilter,
  type Filter,
} from 'ldapts'

import { formatMailAddress, type MailAddress } from '../../mail/mail-address.js'
import {
  fillValue,
  hasPlaceholder,
  type FilterTemplate,
  type Placeholder,
} from '../filter-template.js'

type Values = Readonly<Record<Placeholder, string>>

/** A filter for the entries of any of the addresses. */
export function filterFor(template: FilterTemplate, addresses: readonly MailAddress[]): Filter {
  const filters = addresses.flatMap(spellings).map((values) => fill(template, values))
  const [filter] = filters
  return filter !== undefined && filters.length === 1 ? filter : new OrFilter({ filters })
}

/** A filter for every entry that some address could find: what stands for the address may be anything. */
export function filterForAny(template: FilterTemplate): Filter {
  switch (template.kind) {
    case 'and':
      return new AndFilter({ filters: template.filters.map(filterForAny) })
    case 'or':
      return new OrFilter({ filters: template.filters.map(filterForAny) })
    case 'equal': {
      const parts = template.value.split(/\{(?:address|user|domain)\}/u)
      if (parts.length === 1) return new EqualityFilter(template)
      const { attribute } = template
      if (parts.every((part) => part === '')) return new PresenceFilter({ attribute })
      return new SubstringFilter({
        attribute,
        initial: parts[0] ?? '',
        any: parts.slice(1, -1).filter((part) => part !== ''),
        final: parts.at(-1) ?? '',
      })
    }
    case 'greater':
    case 'less':
    case 'approximate':
    case 'substrings':
      return hasPlaceholder(template)
        ? new PresenceFilter({ attribute: template.attribute })
        : fill(template, nothing)
    case 'extensible':
      return hasPlaceholder(template) ? everything : fill(template, nothing)
    case 'not':
      return hasPlaceholder(template) ? everything : fill(template, nothing)
    case 'present':
      return fill(template, nothing)
  }
}

const nothing: Values = { address: '', user: '', domain: '' }
const everything = new PresenceFilter({ attribute: 'objectClass' })

function spellings(address: MailAddress): Values[] {
  const users = localSpellings(address).flatMap((local) => [
    local,
    formatMailAddress({ ...address, local, domain: '' }),
  ])
  const { domain } = address
  const unicode = domain.includes('xn--') ? domainToUnicode(domain) : domain
  return [...new Set(users)].flatMap((user) =>
    [...new Set([domain, unicode])].map((name) => ({
      user,
      domain: name,
      address: name === '' ? user : `${user}@${name}`,
    })),
  )
}

/**
 * Every spelling that compares as the address does and that a server may tell apart: as written, as the
 * key has it, with letters and accents apart. Who asks with one of them finds what another finds.
 */
function localSpellings({ local, key }: MailAddress): string[] {
  // eslint-disable-next-line no-control-regex -- the ASCII range
  if (/^[\u0000-\u007f]*$/u.test(local)) return [local]
  const compared = key.slice(0, key.lastIndexOf('@'))
  return [...new Set([local, compared, local.normalize('NFC'), local.normalize('NFD')])]
}

function fill(template: FilterTemplate, values: Values): Filter {
  switch (template.kind) {
    case 'and':
      return new AndFilter({ filters: template.filters.map((inner) => fill(inner, values)) })
    case 'or':
      return new OrFilter({ filters: template.filters.map((inner) => fill(inner, values)) })
    case 'not':
      return new NotFilter({ filter: fill(template.filter, values) })
    case 'present':
      return new PresenceFilter({ attribute: template.attribute })
    case 'equal':
      return new EqualityFilter(comparison(template, values))
    case 'greater':
      return new GreaterThanEqualsFilter(comparison(template, values))
    case 'less':
      return new LessThanEqualsFilter(comparison(template, values))
    case 'approximate':
      return new ApproximateFilter(comparison(template, values))
    case 'substrings': {
      const parts = template.parts.map((part) => fillValue(part, values))
      return new SubstringFilter({
        attribute: template.attribute,
        initial: parts[0] ?? '',
        any: parts.slice(1, -1).filter((part) => part !== ''),
        final: parts.at(-1) ?? '',
      })
    }
    case 'extensible':
      return new ExtensibleFilter({
        matchType: template.attribute,
        rule: template.rule,
        dnAttributes: template.dn,
        value: fillValue(template.value, values),
      })
  }
}

function comparison(
  { attribute, value }: { attribute: string; value: string },
  values: Values,
): { attribute: string; value: string } {
  return { attribute, value: fillValue(value, values) }
}
