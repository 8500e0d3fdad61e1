/**
 * Brings contacts into a directory, several at a time: each is created, updated, found unchanged, or
 * refused with its reason. Nothing of a row is done before the next question about it is answered, so
 * that the work can stop between any two rows and begin again.
 *
 * An address that another object has already is refused: mail for it would become ambiguous.
 */
import type { Filter } from 'ldapts'

import { parseMailAddress } from '../mail/mail-address.js'
import type { LdapSettings } from '../directory/ldap/ldap-settings.js'
import { differences, readContact, type Contact } from '../directory/contact.js'
import { dnKey } from '../directory/distinguished-name.js'
import { entryAttributes, toEntry, type Attributes } from '../directory/entry.js'
import type { LdapAdministration } from '../directory/ldap/administration.js'
import { describeFailure, failureOf } from '../directory/ldap/failure.js'
import { filterFor } from '../directory/ldap/filter.js'
import type { Row } from '../directory/file-record.js'

export type ImportOutcome = 'created' | 'updated' | 'unchanged' | 'refused'

export interface ImportedRow {
  readonly line: number
  readonly dn: string
  readonly outcome: ImportOutcome
  /** of a refused one */
  readonly reason?: string
  /** of an updated one */
  readonly changes?: readonly {
    readonly attribute: string
    readonly from: readonly string[]
    readonly to: readonly string[]
  }[]
}

// rows under way at a time
const atATime = 8

export class ContactImport {
  readonly counts: Record<ImportOutcome, number> = {
    created: 0,
    updated: 0,
    unchanged: 0,
    refused: 0,
  }
  /** why it ended before the end of the file */
  stopped: string | undefined
  private readonly server: LdapAdministration
  private readonly settings: LdapSettings
  private readonly dryRun: boolean
  /** names and addresses of the file so far → line */
  private readonly seen = new Map<string, number>()

  constructor(server: LdapAdministration, settings: LdapSettings, dryRun: boolean) {
    this.server = server
    this.settings = settings
    this.dryRun = dryRun
  }

  /** Ends the work after the rows that are under way. */
  stop(reason: string): void {
    this.stopped ??= reason
  }

  /** Takes all rows. Rejects only when the file cannot be read. */
  async run(pages: AsyncIterable<readonly Row[]>, told: (row: ImportedRow) => void): Promise<void> {
    const underWay = new Set<Promise<void>>()
    const tell = (row: ImportedRow): void => {
      this.counts[row.outcome] += 1
      told(row)
    }
    for await (const rows of pages) {
      for (const row of rows) {
        if (this.isStopped()) break
        const contact = this.read(row)
        if ('reason' in contact) {
          tell(contact)
          continue
        }
        const work = this.bringIn(contact, tell).finally(() => underWay.delete(work))
        underWay.add(work)
        if (underWay.size >= atATime) await Promise.race(underWay)
      }
      if (this.isStopped()) break
    }
    await Promise.all(underWay)
  }

  private isStopped(): boolean {
    return this.stopped !== undefined
  }

  private read(row: Row): Contact | (ImportedRow & { reason: string }) {
    const { line } = row
    const dn = row.kind === 'record' ? row.dn : ''
    const refused = (reason: string) => ({ line, dn, outcome: 'refused' as const, reason })
    if (row.kind === 'unreadable') return refused(row.reason)
    const contact = readContact(row, this.settings.baseDn)
    if ('reason' in contact) return refused(contact.reason)
    for (const key of [dnKey(dn), ...contact.addresses]) {
      const other = this.seen.get(key)
      if (other !== undefined) return refused(`${key}: line ${other} has it already`)
      this.seen.set(key, line)
    }
    return contact
  }

  /** A server that fails stops the work; nothing is known of the row then. */
  private async bringIn(contact: Contact, tell: (row: ImportedRow) => void): Promise<void> {
    const { line, dn } = contact
    try {
      tell({ line, dn, ...(await this.attempt(contact)) })
    } catch (error) {
      const reason = describeFailure(error)
      if (failureOf(error) === 'search') tell({ line, dn, outcome: 'refused', reason })
      else this.stop(reason)
    }
  }

  private async attempt(
    contact: Contact,
  ): Promise<Pick<ImportedRow, 'outcome' | 'reason' | 'changes'>> {
    const { dn, attributes } = contact
    const [object, owner] = await Promise.all([
      this.server.read(dn, ['objectClass', ...attributes.keys()]),
      this.otherOwner(contact),
    ])
    if (owner !== undefined) return { outcome: 'refused', reason: owner }
    if (!object) {
      if (!this.dryRun) await this.server.add(dn, attributes)
      return { outcome: 'created' }
    }
    if (!toEntry(dn, object.attributes).entry.isContact) {
      const classes = object.attributes.get('objectclass')?.join(', ') ?? ''
      return { outcome: 'refused', reason: `is there, but no contact (objectClass: ${classes})` }
    }
    const changed = differences(contact, object.attributes)
    if (changed.size === 0) return { outcome: 'unchanged' }
    if (!this.dryRun) await this.server.replace(dn, changed)
    return { outcome: 'updated', changes: changesOf(changed, object.attributes) }
  }

  /** Another object that has one of the addresses, in words. */
  private async otherOwner({ dn, addresses }: Contact): Promise<string | undefined> {
    const own = dnKey(dn)
    for await (const page of this.server.pages(this.filterOf(addresses), entryAttributes)) {
      for (const object of page) {
        const { entry } = toEntry(object.dn, object.attributes)
        const taken = addresses.find((key) => entry.addresses.includes(key))
        if (taken !== undefined && dnKey(object.dn) !== own)
          return `${taken}: ${object.dn} has it already`
      }
    }
    return undefined
  }

  private filterOf(addresses: readonly string[]): Filter {
    return filterFor(
      this.settings.filter,
      addresses.flatMap((key) => parseMailAddress(key) ?? []),
    )
  }
}

function changesOf(changed: Attributes, before: Attributes): NonNullable<ImportedRow['changes']> {
  return [...changed].map(([attribute, to]) => ({
    attribute,
    from: before.get(attribute) ?? [],
    to,
  }))
}
