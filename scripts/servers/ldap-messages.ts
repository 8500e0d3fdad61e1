/** Messages of an LDAP server that is written out for a test, in BER (RFC 4511 4). */
import { Ber, BerWriter } from 'ldapts'

export const searchEntry = 0x64

export function message(
  id: number,
  operation: number,
  content: (writer: BerWriter) => void,
): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(operation)
  content(writer)
  writer.endSequence()
  writer.endSequence()
  return writer.buffer
}

/** An entry that a search has found. */
export function attributesOf(
  id: number,
  dn: string,
  attributes: Readonly<Record<string, readonly string[]>>,
): Buffer {
  return message(id, searchEntry, (writer) => {
    writer.writeString(dn)
    writer.startSequence()
    for (const [name, values] of Object.entries(attributes)) {
      writer.startSequence()
      writer.writeString(name)
      writer.startSequence(Ber.Set | Ber.Constructor)
      for (const value of values) writer.writeString(value)
      writer.endSequence()
      writer.endSequence()
    }
    writer.endSequence()
  })
}
