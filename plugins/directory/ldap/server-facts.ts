/**
 * What a server says of itself (rootDSE, RFC 4512 5.1), as far as a replica needs it: is it an Active
 * Directory that counts changes, has it everything, where do its deleted objects lie.
 */
import type { Attributes } from '../entry.js'
import { dnKey, isBelow } from '../distinguished-name.js'

export const factAttributes = [
  'dsServiceName',
  'highestCommittedUSN',
  'isSynchronized',
  'isGlobalCatalogReady',
  'namingContexts',
] as const

export interface ServerFacts {
  /** absent: it counts no changes */
  readonly usn?: { readonly server: string; readonly highest: number }
  /** why it must not be read now; empty: it may */
  readonly notReady: string
  /** the naming context that holds the base; the base itself if none does */
  readonly context: string
}

export function factsOf(
  root: Attributes | undefined,
  baseDn: string,
  catalog: boolean,
): ServerFacts {
  const value = (name: string): string => root?.get(name.toLowerCase())?.[0] ?? ''
  const highest = Number(value('highestCommittedUSN') || Number.NaN)
  const server = value('dsServiceName')
  const contexts = root?.get('namingcontexts') ?? []
  return {
    ...(server !== '' && Number.isSafeInteger(highest) && { usn: { server, highest } }),
    notReady: notReady(),
    context:
      contexts
        .filter((name) => baseDn !== '' && (dnKey(name) === dnKey(baseDn) || isBelow(baseDn, name)))
        .sort((a, b) => b.length - a.length)[0] ?? baseDn,
  }

  /** A controller that was just made says so until it has all objects. */
  function notReady(): string {
    if (value('isSynchronized').toUpperCase() === 'FALSE') return 'it is not synchronized yet'
    if (catalog && value('isGlobalCatalogReady').toUpperCase() === 'FALSE') {
      return 'its global catalog is not ready yet'
    }
    return ''
  }
}
