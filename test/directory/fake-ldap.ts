/**
 * An LDAP server on a real socket that does what a test tells it, above all what no server should.
 *
 * It holds contacts by address and answers a search for `proxyAddresses=smtp:…`, or several of them
 * in one search; a search that names no address finds the first one if its kind of object fits. `behave` sets what it does from now on, on connections that are there too.
 * RFC 4511 4.1.1 (message), 4.2 (bind), 4.5 (search).
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

import {
  AndFilter,
  BerReader,
  EqualityFilter,
  FilterParser,
  NotFilter,
  OrFilter,
  PresenceFilter,
  SubstringFilter,
  type Filter,
} from 'ldapts'

import { attributesOf, message } from '../../scripts/servers/ldap-messages.js'

const bindRequest = 0x60
const simplePassword = 0x80
const bindResponse = 0x61
const unbindRequest = 0x42
const searchRequest = 0x63
const extendedRequest = 0x77
const extendedResponse = 0x78
const searchDone = 0x65
const searchReference = 0x73

export interface Behaviour {
  /** result code of a bind, or no answer */
  readonly bind?: number | 'hang'
  /** result code of StartTLS, 2 (protocol error) unless told; `mute`: agrees, and is silent then */
  readonly startTls?: number | 'hang' | 'mute'
  /**
   * A result code without entries; `hang`: no answer; `close`: ends the connection; `slow`: answers
   * after 50 ms; `garbage`: no LDAP; `referrals`: answers with search references;
   * `strangers`: an entry that owns another address
   */
  readonly search?: number | 'hang' | 'close' | 'slow' | 'garbage' | 'referrals' | 'strangers'
  /** result code of a search that names no address */
  readonly sight?: number
  /** closes a connection with more than this many searches unanswered */
  readonly maxPending?: number
}

export class FakeLdap {
  readonly port: number
  /** now, and the most there ever were at a time */
  connections = 0
  mostConnections = 0
  /** accepted since the start */
  accepted = 0
  /** passwords of the binds, in order */
  readonly passwords: string[] = []
  searches = 0
  /** most unanswered searches on one connection */
  mostPending = 0
  /** addresses asked for, in order */
  readonly asked: string[] = []
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  private readonly contacts: ReadonlyMap<string, string>
  private behaviour: Behaviour = {}

  private constructor(server: Server, contacts: ReadonlyMap<string, string>) {
    this.server = server
    this.contacts = contacts
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket) => this.serve(socket))
  }

  /** `contacts`: address in lower case → targetAddress */
  static async start(contacts: Readonly<Record<string, string>>, port = 0): Promise<FakeLdap> {
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new FakeLdap(server, new Map(Object.entries(contacts)))
  }

  get url(): string {
    return `ldap://127.0.0.1:${this.port}`
  }

  behave(behaviour: Behaviour): void {
    this.behaviour = behaviour
  }

  /** Ends every connection, as a server that dies. */
  dropAll(): void {
    for (const socket of this.sockets) socket.resetAndDestroy()
  }

  async stop(): Promise<void> {
    this.dropAll()
    if (!this.server.listening) return
    this.server.close()
    await once(this.server, 'close')
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket)
    this.accepted += 1
    this.connections += 1
    this.mostConnections = Math.max(this.mostConnections, this.connections)
    let buffer = Buffer.alloc(0)
    const pending = { count: 0 }
    socket.on('error', () => {})
    socket.on('close', () => {
      this.sockets.delete(socket)
      this.connections -= 1
    })
    socket.on('data', (data) => {
      buffer = Buffer.concat([buffer, data])
      // what is not LDAP, such as the beginning of TLS
      if (buffer[0] !== 0x30) {
        if (this.behaviour.startTls === 'mute') return
        socket.destroy()
      }
      while (!socket.destroyed) {
        const reader = new BerReader(buffer)
        if (reader.readSequence() === null || reader.remain < reader.length) return
        const end = reader.offset + reader.length
        this.handle(socket, new BerReader(buffer.subarray(0, end)), pending)
        buffer = buffer.subarray(end)
      }
    })
  }

  private handle(socket: Socket, reader: BerReader, pending: { count: number }): void {
    reader.readSequence()
    const id = reader.readInt() ?? 0
    const operation = reader.readSequence()
    if (operation === unbindRequest) socket.end()
    if (operation === bindRequest) {
      reader.readInt()
      reader.readString()
      this.passwords.push(reader.readString(simplePassword) ?? '')
      const { bind = 0 } = this.behaviour
      if (bind !== 'hang') socket.write(result(id, bindResponse, bind))
    }
    // StartTLS is the only one: refused, or agreed to without any TLS behind it
    if (operation === extendedRequest) {
      const { startTls = 2 } = this.behaviour
      const code = startTls === 'mute' ? 0 : startTls
      if (code !== 'hang') socket.write(result(id, extendedResponse, code))
    }
    if (operation === searchRequest) this.search(socket, id, reader, pending)
  }

  private search(socket: Socket, id: number, reader: BerReader, pending: { count: number }): void {
    const { search = 0, maxPending = Number.POSITIVE_INFINITY } = this.behaviour
    this.searches += 1
    pending.count += 1
    this.mostPending = Math.max(this.mostPending, pending.count)
    // an entry is sent once, whichever of its attributes fit
    const filter = readFilter(reader)
    const addresses = [...new Set(addressesIn(filter))]
    this.asked.push(...addresses)
    if (addresses.length === 0 && fits(filter))
      addresses.push(...[...this.contacts.keys()].slice(0, 1))
    const answer = (code: number): void => {
      if (socket.destroyed) return
      pending.count -= 1
      if (code === 0) {
        for (const address of addresses) {
          const target = this.contacts.get(address)
          if (target !== undefined) socket.write(entry(id, address, target))
        }
      }
      socket.write(result(id, searchDone, code))
    }
    const { sight } = this.behaviour
    if (sight !== undefined && addressesIn(filter).length === 0) {
      answer(sight)
      return
    }
    if (pending.count > maxPending) {
      socket.destroy()
      return
    }
    switch (search) {
      case 'hang':
        return
      case 'close':
        socket.destroy()
        return
      case 'garbage':
        socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(9))
        return
      case 'slow':
        setTimeout(() => answer(0), 50)
        return
      case 'referrals':
        socket.write(reference(id))
        answer(0)
        return
      case 'strangers':
        socket.write(entry(id, 'stranger@elsewhere.example', 'stranger@remote.domain'))
        answer(0)
        return
      default:
        answer(search)
    }
  }
}

function readFilter(reader: BerReader): Filter {
  reader.readString()
  reader.readEnumeration()
  reader.readEnumeration()
  reader.readInt()
  reader.readInt()
  reader.readBoolean()
  return FilterParser.parse(reader)
}

function addressesIn(filter: Filter): string[] {
  if (filter instanceof OrFilter) return filter.filters.flatMap(addressesIn)
  if (!(filter instanceof EqualityFilter)) return []
  const value = String(filter.value).toLowerCase()
  return [
    filter.attribute.toLowerCase() === 'proxyaddresses' ? value.replace(/^smtp:/u, '') : value,
  ]
}

/** Whether a contact of this server fits a filter that names no address. */
function fits(filter: Filter): boolean {
  if (filter instanceof OrFilter) return filter.filters.some(fits)
  if (filter instanceof AndFilter) return filter.filters.every(fits)
  if (filter instanceof NotFilter) return !fits(filter.filter)
  if (!(filter instanceof PresenceFilter || filter instanceof SubstringFilter)) return false
  return ['objectclass', 'proxyaddresses', 'targetaddress'].includes(filter.attribute.toLowerCase())
}

function result(id: number, operation: number, code: number): Buffer {
  return message(id, operation, (writer) => {
    writer.writeEnumeration(code)
    writer.writeString('')
    writer.writeString(code === 0 ? '' : 'as the test wants it')
  })
}

function entry(id: number, address: string, target: string): Buffer {
  return attributesOf(id, `CN=${address.split('@')[0] ?? ''},DC=fake`, {
    objectClass: ['top', 'contact'],
    proxyAddresses: [`smtp:${address}`],
    targetAddress: [`SMTP:${target}`],
  })
}

function reference(id: number): Buffer {
  return message(id, searchReference, (writer) =>
    writer.writeString('ldap://DomainDnsZones.fake/DC=DomainDnsZones,DC=fake'),
  )
}
