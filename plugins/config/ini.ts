/**
 * Reads Haraka's ini syntax strictly: the same lines mean the same, but a line that Haraka would
 * only print and skip, and a `;` behind a value, are errors with file and line.
 *
 * Sections, `key = value`, `key[] = value` (a list), a trailing `\` that continues a line, and lines
 * that begin with `;` or `#` as comments. Keys before the first section stand in the section ``.
 */
export interface IniValue {
  /** line of the file, from 1 */
  readonly line: number
  readonly text: string
}

/** Section name → key → its values in the order written (more than one only for `key[]`). */
export type IniSections = Map<string, Map<string, IniValue[]>>

export interface IniFile {
  readonly sections: IniSections
  readonly errors: string[]
}

const section = /^\s*\[([^\]]*)\]\s*$/u
const parameter = /^\s*([\w@:._+\-/]+?)(\[\])?\s*=\s*(.*?)\s*$/u
const comment = /^\s*([;#].*)?$/u
const continued = /\\[ \t]*$/u

/** Reads the lines of a file; `file` names it in the errors. */
export function readIni(file: string, lines: readonly string[]): IniFile {
  const sections: IniSections = new Map([['', new Map()]])
  const errors: string[] = []
  let current = sections.get('') ?? new Map<string, IniValue[]>()
  let name = ''
  let pending = ''

  lines.forEach((written, index) => {
    const line = index + 1
    if (comment.test(written)) return
    const head = section.exec(written)
    if (head && pending === '') {
      name = (head[1] ?? '').trim()
      if (sections.has(name)) errors.push(`${file} line ${line}: section [${name}] stands twice`)
      current = new Map()
      sections.set(name, current)
      return
    }
    if (continued.test(written)) {
      pending += written.replace(continued, '')
      return
    }
    const text = pending + written
    pending = ''
    addParameter(text, line)
  })
  if (pending !== '')
    errors.push(`${file}: expected another line after the last \`\\\`, got the end`)
  return { sections, errors }

  function addParameter(text: string, line: number): void {
    const where = `${file}${name === '' ? '' : ` [${name}]`}`
    const match = parameter.exec(text)
    const [, key, list, value] = match ?? []
    if (key === undefined || value === undefined) {
      errors.push(`${where} line ${line}: expected \`key = value\`, got \`${text.trim()}\``)
      return
    }
    if (/\s;/u.test(value)) {
      errors.push(
        `${where} ${key}: a comment must stand on a line of its own (Haraka makes \`;\` part of the value), got \`${value}\``,
      )
      return
    }
    const values = current.get(key)
    if (values && list === undefined) {
      errors.push(`${where} ${key}: stands twice; write \`${key}[] = …\` lines for a list`)
    } else if (values) values.push({ line, text: value })
    else current.set(key, [{ line, text: value }])
  }
}
