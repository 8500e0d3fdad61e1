/**
 * What `check` has to say: what, where, why it matters, what to do. `wrong` makes the exit code 1;
 * a `note` is worth a look; `good` was tried and works.
 */
export interface Finding {
  readonly kind: 'wrong' | 'note' | 'good'
  /** file, section and key; or the directory, connector or host */
  readonly where: string
  readonly what: string
  readonly why?: string
  readonly todo?: string
}

export function wrong(where: string, what: string, why: string, todo: string): Finding {
  return { kind: 'wrong', where, what, why, todo }
}

export function note(where: string, what: string, why: string, todo: string): Finding {
  return { kind: 'note', where, what, why, todo }
}

export function good(where: string, what: string): Finding {
  return { kind: 'good', where, what }
}

/** Says the first few of many, so that a table stays one. */
export function someOf(items: readonly string[], shown = 5): string {
  const rest = items.length - shown
  return rest > 0 ? `${items.slice(0, shown).join(', ')} and ${rest} more` : items.join(', ')
}
