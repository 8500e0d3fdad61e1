/** Those that an option such as `--only A,B` names; all of them without it. */
export function pick<T>(
  option: string,
  names: readonly string[] | undefined,
  all: readonly T[],
  nameOf: (one: T) => string,
): readonly T[] {
  return (
    names
      ?.flatMap((text) => text.split(','))
      .map((name) => {
        const found = all.find((one) => nameOf(one) === name.trim())
        if (found === undefined) {
          const known = all.map(nameOf).join(', ')
          throw new Error(`${option}: expected some of ${known}, got \`${name}\``)
        }
        return found
      }) ?? all
  )
}
