/**
 * Follows a recipient through the directory: a mailbox ends the way, a contact leads on to its
 * `targetAddress`, which may be a contact again (article, method 2, step 4 of the reply's way).
 *
 * A target that is one of the contact's own addresses is final unless another directory has it: the
 * article's contact has its target as its primary address and finds itself. Coming back to another
 * contact passed before, or more than ten of them, is a circle. Not finding out is an outcome of its own.
 */
import {
  mayNameHost,
  parseMailAddress,
  splitSubAddress,
  withTag,
  type MailAddress,
} from '../mail/mail-address.js'
import type { FindAddress, Lookup } from '../directory/directory.js'

export const maxSteps = 10

/** One contact on the way. */
export interface Step {
  readonly from: MailAddress
  readonly directory: string
  readonly dn: string
  readonly to: MailAddress
}

interface Way {
  /** the address asked for first, or the last target */
  readonly address: MailAddress
  readonly steps: readonly Step[]
}

export type Resolution = Way &
  (
    | {
        readonly kind: 'mailbox'
        readonly directory: string
        readonly dn: string
        /** the host of the mailbox; absent: the directory's */
        readonly host?: string
      }
    /** a contact, seen but not followed, because the contacts plugin is not enabled */
    | { readonly kind: 'contact'; readonly directory: string; readonly dn: string }
    /** the last target of a contact; it has no object of its own that leads on */
    | { readonly kind: 'target' }
    /** not in any directory */
    | { readonly kind: 'unknown' }
    /** a contact without a targetAddress that is an SMTP address */
    | { readonly kind: 'unusable'; readonly directory: string; readonly dn: string }
    | { readonly kind: 'circle' }
    | { readonly kind: 'ambiguous'; readonly directory: string; readonly dns: readonly string[] }
    | { readonly kind: 'failed'; readonly directory: string; readonly reason: string }
  )

export interface RedirectOptions {
  readonly find: FindAddress
  /** whether addresses of a domain are looked up: foreign and relay domains are not */
  readonly isLookedUp: (domain: string) => boolean
  /** the separator of sub-addresses; empty: none */
  readonly recipientDelimiter: string
  /** whether contacts are followed (the contacts plugin is enabled) */
  readonly follow: boolean
}

/** Where the address leads to. Settles as the lookups do and never rejects of its own. */
export async function followContacts(
  asked: MailAddress,
  options: RedirectOptions,
): Promise<Resolution> {
  const steps: Step[] = []
  let address = asked
  /** the directory of a contact that leads to an address of its own: the others are asked for that */
  let elsewhere: string | undefined
  for (;;) {
    if (steps.length > 0 && !options.isLookedUp(address.domain)) {
      return { address, steps, kind: 'target' }
    }
    const asWritten = await options.find(address, elsewhere)
    const { lookup, tag, base } =
      asWritten.kind === 'none'
        ? await findWithoutTag(address, options, elsewhere)
        : { lookup: asWritten, tag: '', base: address }
    // a tag is the sender's: it must not send the mail on to another host, and stays behind
    const staysBehind = tag !== '' && mayNameHost(tag)
    const way = { address: staysBehind ? base : address, steps }
    if (lookup.kind === 'none') return { ...way, kind: steps.length === 0 ? 'unknown' : 'target' }
    if (lookup.kind !== 'found') return { ...way, ...lookup }

    const { directory, entry } = lookup
    const object = { directory, dn: entry.dn }
    const onHost = entry.host === undefined ? {} : { host: entry.host }
    if (entry.targetAddress === undefined) {
      return entry.isContact
        ? { ...way, ...object, kind: 'unusable' }
        : { ...way, ...object, kind: 'mailbox', ...onHost }
    }
    if (!options.follow) return { ...way, ...object, kind: 'contact' }
    // files without names of their own name an object by its line
    const passed = steps.some((step) => step.directory === directory && step.dn === entry.dn)
    if (passed || steps.length === maxSteps) return { ...way, kind: 'circle' }

    const target = parseMailAddress(entry.targetAddress)
    if (!target) return { ...way, ...object, kind: 'unusable' }
    const next = staysBehind ? target : withTag(target, tag)
    steps.push({ from: address, ...object, to: next })
    // the object's host takes the target, whatever its domain (Sendmail's LDAP routing)
    if (entry.targetByHost === true) {
      return { address: next, steps, ...object, kind: 'mailbox', ...onHost }
    }
    const leadsToItself = entry.addresses.includes(target.key)
    // that no other directory has it was found out already
    if (leadsToItself && next.key === address.key) return { address: next, steps, kind: 'target' }
    elsewhere = leadsToItself ? directory : undefined
    address = next
  }
}

/** What is not there as it was written is asked for again without its tag. */
async function findWithoutTag(
  address: MailAddress,
  { find, recipientDelimiter }: RedirectOptions,
  elsewhere: string | undefined,
): Promise<{ lookup: Lookup; tag: string; base: MailAddress }> {
  const split = splitSubAddress(address, recipientDelimiter)
  const lookup = split && (await find(split.base, elsewhere))
  // what is not there either is unknown as it was written
  if (!split || !lookup || lookup.kind === 'none') {
    return { lookup: { kind: 'none' }, tag: '', base: address }
  }
  return { lookup, tag: split.tag, base: split.base }
}
