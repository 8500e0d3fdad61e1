/**
 * The text of Postfix's `virtual` and `relay_recipients` tables: `address value` a line, `#` comments, a
 * line that begins with a blank continues the one before.
 *
 * A value that is one other address is where mail goes; anything else (`OK`, a local user, several
 * addresses) says that the address exists. A catch-all (`@example.com`) or a pattern makes every address
 * exist, which no list of addresses can say: such a line is told as unreadable. postconf(5) virtual(5)
 */
import { parseMailAddress } from '../../mail/mail-address.js'
import type { Row } from '../file-record.js'
import { oncePer, row, unreadable } from './table-columns.js'
import { tableLines, type TextLine } from './table-records.js'

/** Reads the rows of a map. */
export async function* readPostfixMap(
  text: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<readonly Row[]> {
  const seen = new Set<string>()
  let open: TextLine | undefined
  let started = false
  for await (const lines of tableLines(text)) {
    const rows: Row[] = []
    for (const next of lines) {
      if (/^\s*(?:#.*)?$/u.test(next.text)) continue
      started = true
      if (/^\s/u.test(next.text) && open) {
        open = { line: open.line, text: `${open.text} ${next.text.trim()}` }
        continue
      }
      if (open) rows.push(...rowOf(open, seen))
      open = next
    }
    yield rows
  }
  if (!started) throw new Error('expected lines such as `anna@example.com anna`, got nothing')
  yield open ? rowOf(open, seen) : []
}

function rowOf({ line, text }: TextLine, seen: Set<string>): Row[] {
  const [, key = '', written = ''] = /^\s*((?:"(?:\\.|[^"\\])*")?\S*)\s*(.*)$/su.exec(text) ?? []
  const address = parseMailAddress(key)
  if (!address) {
    const what = key.startsWith('/')
      ? 'a pattern'
      : key.startsWith('@')
        ? 'a catch-all (make the domain shared, or list its addresses)'
        : 'another thing'
    return [unreadable(line, `expected an address, got ${what}`, [text])]
  }
  const values = written.split(/[,\s]+/u).filter((value) => value !== '')
  const target = values.length === 1 ? parseMailAddress(values[0] ?? '') : undefined
  const leads = target !== undefined && target.key !== address.key
  const made = oncePer(seen, [address.key, leads ? target.key : ''], () =>
    row(line, `line ${line}`, {
      addresses: [key],
      target: leads ? (values[0] ?? '') : '',
      host: '',
      isContact: false,
    }),
  )
  return made ? [made] : []
}
