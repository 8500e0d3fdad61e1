/** Whether Haraka's first process starts workers that take the mail in its place (smtp.ini `nodes`). */

/** The keys of smtp.ini's first part. Haraka starts one worker where `nodes` is not said; 0 is none. */
export function startsWorkers({
  nodes,
}: Readonly<Record<string, string | number | boolean | undefined>>): boolean {
  return nodes === undefined || Boolean(nodes)
}
