/** What fuzzing found: the part or promise, and what shows it, with the seed that finds it again. */
export interface Finding {
  readonly what: string
  readonly detail: string
}
