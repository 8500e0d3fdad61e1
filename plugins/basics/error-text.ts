/** What went wrong, as text: thrown values are Errors nearly always, but need not be. */

/** An error's own words. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The words and where they come from: for faults of our own. */
export function errorStack(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
