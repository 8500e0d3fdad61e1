/**
 * The address space of the benchmark, as the same 100,000 contacts in a CSVDE file and in LDIF.
 *
 *   1u0 … 2000u0@example.com      contacts whose target is the same name at remote.example, in 45
 *   … 2000u44@example.com         blocks of 2,000: a cold lookup needs names that were never asked
 *   1m … 10000m@example.com       contacts with targets in one.example, two.example, three.example in turn
 *
 * The names are those that `smtp-source -N` makes: a number in front of the address that it is given.
 * Targets stand without `SMTP:`, since Postfix's LDAP tables do not take it off.
 */
export const domain = 'example.com'
export const places = ['remote', 'one', 'two', 'three'] as const
export type PlaceName = (typeof places)[number]

export const blockSize = 2000
const blocks = 45
const mixed = 10_000
export const size = blocks * blockSize + mixed

/** `smtp-source -N -t` gets this for the recipients of a block. */
export const blockAddress = (block: number): string => `u${block % blocks}@${domain}`
export const mixedAddress = `m@${domain}`

interface Contact {
  readonly name: string
  readonly place: PlaceName
}

function* contacts(): Generator<Contact> {
  for (let block = 0; block < blocks; block++) {
    for (let n = 1; n <= blockSize; n++) yield { name: `${n}u${block}`, place: 'remote' }
  }
  for (let n = 1; n <= mixed; n++) yield { name: `${n}m`, place: places[1 + (n % 3)] ?? 'one' }
}

/** All of them as `csvde` writes them. */
export function toCsvde(): string {
  const lines = ['objectClass,dn,proxyAddresses,targetAddress']
  for (const { name, place } of contacts()) {
    const target = `${name}@${place}.example`
    lines.push(
      `contact,"cn=${name},dc=corp,dc=example",SMTP:${target};smtp:${name}@${domain},${target}`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** All of them for slapadd. */
export function toLdif(): string {
  const records: string[] = []
  for (const { name, place } of contacts()) {
    const target = `${name}@${place}.example`
    records.push(
      `dn: cn=${name},dc=corp,dc=example\nobjectClass: contact\ncn: ${name}\n` +
        `proxyAddresses: SMTP:${target}\nproxyAddresses: smtp:${name}@${domain}\n` +
        `targetAddress: ${target}\n`,
    )
  }
  return records.join('\n')
}

/** A table of transports for Postfix, in the same server: domain → smart host. */
export function transportsLdif(hostOf: (place: PlaceName) => string): string {
  return places
    .map(
      (place) =>
        `dn: cn=transport ${place},dc=corp,dc=example\nobjectClass: contact\ncn: transport ${place}\n` +
        `proxyAddresses: transport:${place}.example\nmailNickname: smtp:${hostOf(place)}\n`,
    )
    .join('\n')
}
