/**
 * Where an accepted recipient goes. Everything that is delivered or queued together goes to one
 * place; the queue keeps a place by name, so that it is looked up in the configuration of the time
 * of delivery.
 */
export type Place =
  | { readonly kind: 'connector'; readonly connector: string }
  /** the mailbox host of a directory, or one of several, by its name in `[DIRECTORY hosts]` */
  | { readonly kind: 'mailbox-host'; readonly directory: string; readonly host?: string }
  /** this Haraka's own mailboxes: another queue plugin of it delivers them */
  | { readonly kind: 'local' }
  /** no connector of ours: Haraka's own outbound, by the MX of the domain */
  | { readonly kind: 'outbound'; readonly domain: string }

/** Equal for equal places; readable, for the log and the queue. */
export function placeKey(place: Place): string {
  switch (place.kind) {
    case 'connector':
      return `connector:${place.connector}`
    case 'mailbox-host':
      return `mailbox-host:${place.directory}${place.host === undefined ? '' : `/${place.host}`}`
    case 'local':
      return 'local:mailboxes'
    case 'outbound':
      return `outbound:${place.domain}`
  }
}
