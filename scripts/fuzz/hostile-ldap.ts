/**
 * An LDAP server on a real socket that breaks the protocol as chance says: no BER, messages cut off, ids of
 * nobody, lengths that lie, referrals, notices nobody asked for, drops. It never says of somebody it knows that he
 * is not there: whoever takes that from its words has made it up. RFC 4511 4.1.1, 4.4.1, 5.1.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

import { BerReader } from 'ldapts'

import { attributesOf, message, searchEntry } from '../servers/ldap-messages.js'
import type { Chance } from './random.js'

const bindRequest = 0x60
const unbindRequest = 0x42
const searchRequest = 0x63
const bindResponse = 0x61
const searchDone = 0x65
const searchReference = 0x73
const extendedResponse = 0x78

// what a server's text may hold, to forge a line of the log
export const forged =
  '\r\n[NOTICE] [1.1] [address-space/accepted-domains] decision=shared recipient="forged@example.com"\r\n'

interface Turn {
  readonly socket: Socket
  readonly id: number
  /** what a good server would answer */
  readonly good: Buffer
  readonly chance: Chance
}

function write({ socket }: Turn, ...octets: readonly Buffer[]): void {
  if (!socket.destroyed) socket.write(Buffer.concat(octets))
}

/** The beginning of a good answer. */
function cut({ good, chance }: Turn): Buffer {
  return good.subarray(0, 1 + chance.below(good.length - 1))
}

const endless = Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff])

const plays = {
  well: (turn) => write(turn, turn.good),
  garbage: (turn) => {
    const { chance } = turn
    write(turn, Buffer.from(Array.from({ length: 1 + chance.below(300) }, () => chance.below(256))))
  },
  'cut off': (turn) => write(turn, cut(turn)),
  'cut off and closed': (turn) => {
    write(turn, cut(turn))
    turn.socket.end()
  },
  'id of nobody': (turn) => write(turn, entry(turn.id + 1000, 'user1@example.com')),
  'id of nobody, then well': (turn) => {
    const { id, good, chance } = turn
    write(turn, result(id + 1000, searchDone, chance.below(130)), good)
  },
  'length that lies': (turn) => {
    write(turn, Buffer.from([0x30, turn.chance.below(128)]), turn.good.subarray(2))
  },
  'length without end': (turn) => write(turn, endless, Buffer.from([0x02, 0x01, turn.id & 0x7f])),
  'flood behind a length': (turn) => {
    write(turn, endless)
    flood(turn.socket)
  },
  'indefinite length': (turn) => write(turn, Buffer.from([0x30, 0x80]), turn.good.subarray(2)),
  'negative id': (turn) => write(turn, result(-turn.id, searchDone, 0)),
  'notice of disconnection': (turn) => {
    write(turn, notice())
    if (turn.chance.once(2)) turn.socket.end()
  },
  referral: (turn) => write(turn, result(turn.id, searchDone, 10, forged)),
  'references, then nothing': (turn) => write(turn, reference(turn.id)),
  'entry without an end': (turn) => write(turn, entry(turn.id, 'user1@example.com')),
  'entry with no sense in it': (turn) => {
    const { id, chance } = turn
    write(turn, senseless(id, chance), result(id, searchDone, 80, forged))
  },
  'answer to a bind': (turn) => {
    write(turn, result(turn.id, bindResponse, turn.chance.below(130), forged))
  },
  'result of a failure': (turn) => {
    write(turn, result(turn.id, searchDone, 1 + turn.chance.below(200), forged))
  },
  drip: (turn) => drip(turn.socket, turn.good),
  'octets changed in the frame': (turn) => write(turn, spoilt(turn.good, turn.chance)),
  'nested without end': (turn) => write(turn, nested(turn.id)),
} satisfies Readonly<Record<string, (turn: Turn) => void>>

export type Trick = keyof typeof plays
export const tricks = Object.keys(plays) as readonly Trick[]

export class HostileLdap {
  readonly port: number
  /** undefined: it behaves well */
  chance: Chance | undefined
  /** does this and nothing else; undefined: as chance says */
  only: Trick | undefined
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket) => this.serve(socket))
  }

  /** It knows everybody whose address begins with `user`. */
  static async start(): Promise<HostileLdap> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new HostileLdap(server)
  }

  get url(): string {
    return `ldap://127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket)
    let buffer = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('close', () => this.sockets.delete(socket))
    socket.on('data', (data) => {
      buffer = Buffer.concat([buffer, data])
      for (;;) {
        const reader = new BerReader(buffer)
        if (reader.readSequence() === null || reader.remain < reader.length) return
        const end = reader.offset + reader.length
        this.handle(socket, buffer.subarray(0, end))
        buffer = buffer.subarray(end)
      }
    })
  }

  private handle(socket: Socket, octets: Buffer): void {
    const reader = new BerReader(octets)
    reader.readSequence()
    const id = reader.readInt() ?? 0
    const operation = reader.readSequence()
    if (operation === unbindRequest) socket.end()
    const { chance } = this
    if (operation === bindRequest) {
      const good = result(id, bindResponse, 0)
      if (chance && this.only === undefined && chance.once(10)) {
        socket.write(spoilt(good, chance))
      } else socket.write(good)
    }
    if (operation !== searchRequest) return
    const good = answerTo(id, octets)
    const trick = this.only ?? chance?.pick(tricks) ?? 'well'
    if (chance) plays[trick]({ socket, id, good, chance })
    else socket.write(good)
  }
}

/** The entries that a search of a lookup, or for what must be there, finds. */
function answerTo(id: number, request: Buffer): Buffer {
  const text = request.toString('latin1')
  const users = new Set([...text.matchAll(/user\d+@example\.com/gu)].map(([user]) => user))
  // a search that names nobody asks whether there is anybody; no object lacks an address here but the base
  if (!text.includes('@')) users.add('user0@example.com')
  return Buffer.concat([...[...users].map((user) => entry(id, user)), result(id, searchDone, 0)])
}

/** Only the beginning, where lengths, ids and kinds stand: changed values would be other words of the server. */
function spoilt(good: Buffer, chance: Chance): Buffer {
  const octets = Buffer.from(good)
  // the first message is the entry, or the result where there is none; its length does not fit any more
  octets[1] = (octets[1] ?? 0) ^ (1 + chance.below(127))
  if (chance.once(2)) octets[0] = chance.below(256)
  return octets.subarray(0, chance.once(2) ? octets.length : 1 + chance.below(octets.length))
}

function flood(socket: Socket): void {
  const chunk = Buffer.alloc(65_536, 0x41)
  let left = 400
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= 1
      if (!socket.write(chunk)) {
        socket.once('drain', more)
        return
      }
    }
  }
  more()
}

function drip(socket: Socket, octets: Buffer): void {
  let at = 0
  const timer = setInterval(() => {
    if (socket.destroyed || at >= octets.length) clearInterval(timer)
    else socket.write(octets.subarray(at, (at += 1)))
  }, 15)
  timer.unref()
}

function nested(id: number): Buffer {
  const depth = 2000
  return message(id, searchEntry, (writer) => {
    writer.writeString('CN=x')
    for (let at = 0; at < depth; at += 1) writer.startSequence()
    for (let at = 0; at < depth; at += 1) writer.endSequence()
  })
}

function result(id: number, operation: number, code: number, text = ''): Buffer {
  return message(id, operation, (writer) => {
    writer.writeEnumeration(code)
    writer.writeString('')
    writer.writeString(text)
  })
}

function notice(): Buffer {
  return message(0, extendedResponse, (writer) => {
    writer.writeEnumeration(52)
    writer.writeString('')
    writer.writeString(forged)
    writer.writeString('1.3.6.1.4.1.1466.20036', 0x8a)
  })
}

function reference(id: number): Buffer {
  return message(id, searchReference, (writer) => writer.writeString('ldap://127.0.0.1:1/DC=x'))
}

function entry(id: number, address: string): Buffer {
  return attributesOf(id, `CN=${address.split('@')[0] ?? ''},DC=fake`, {
    objectClass: ['top', 'contact'],
    proxyAddresses: [`smtp:${address}`],
    mail: [address],
    targetAddress: [`SMTP:${address.replace('example.com', 'remote.domain')}`],
  })
}

function senseless(id: number, chance: Chance): Buffer {
  return message(id, searchEntry, (writer) => {
    writer.writeString(forged)
    writer.startSequence()
    writer.writeInt(chance.below(1e6))
    writer.writeBoolean(true)
    writer.endSequence()
  })
}
