/**
 * A smart host for measurements, in a process of its own: takes every message and keeps nothing, offers
 * PIPELINING and, if told, CHUNKING (RFC 3030), and answers as late as a host at a distance does.
 *
 *   sink-process.ts HOST PORT [--chunking] [--distance MS]
 *
 * `--distance` is the time there and back: what arrives is answered that much later. Prints `listening`.
 * Postfix's smtp-sink has neither; where neither is wanted, that one is used, since it costs less.
 */
import { createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    chunking: { type: 'boolean', default: false },
    distance: { type: 'string', default: '0' },
  },
})
const [host = '127.0.0.1', port = '25'] = positionals
const distance = Number(options.distance)
const greeting = '220 sink.example ESMTP\r\n'
const extensions = ['sink.example', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 104857600']
if (options.chunking) extensions.push('CHUNKING')
const hello = extensions
  .map((line, at) => `250${at === extensions.length - 1 ? ' ' : '-'}${line}\r\n`)
  .join('')
const ok = '250 2.0.0 Ok\r\n'
const endOfData = Buffer.from('\r\n.\r\n')

createServer({ noDelay: true }, (socket) => new Client(socket)).listen(Number(port), host, () =>
  console.log('listening'),
)

class Client {
  private readonly socket: Socket
  private rest: Buffer = Buffer.alloc(0)
  private inData = false
  /** octets of a BDAT chunk that are still to come */
  private chunk = 0
  private leaving = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    socket.on('data', (octets: Buffer) => {
      this.rest = this.rest.length === 0 ? octets : Buffer.concat([this.rest, octets])
      let replies = ''
      for (let reply = this.next(); reply !== undefined; reply = this.next()) replies += reply
      if (replies !== '') this.answer(replies)
    })
    this.answer(greeting)
  }

  private answer(text: string): void {
    const write = (): void => {
      if (this.leaving) this.socket.end(text)
      else this.socket.write(text)
    }
    if (distance === 0) write()
    else setTimeout(write, distance)
  }

  /** The answer to the next thing that is there whole; `undefined`: nothing is. */
  private next(): string | undefined {
    if (this.chunk > 0) return this.octets()
    const end = this.rest.indexOf(this.inData ? endOfData : '\r\n')
    if (end === -1) {
      if (this.inData) this.rest = this.rest.subarray(1 - endOfData.length)
      return undefined
    }
    if (this.inData) {
      this.rest = this.rest.subarray(end + endOfData.length)
      this.inData = false
      return ok
    }
    const line = this.rest.toString('latin1', 0, end)
    this.rest = this.rest.subarray(end + 2)
    return this.command(line)
  }

  private octets(): string | undefined {
    const taken = Math.min(this.chunk, this.rest.length)
    this.rest = this.rest.subarray(taken)
    this.chunk -= taken
    return this.chunk > 0 ? undefined : ok
  }

  private command(line: string): string {
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return hello
      case 'DATA':
        this.inData = true
        // the first line may be the final dot
        this.rest = Buffer.concat([Buffer.from('\r\n'), this.rest])
        return '354 go on\r\n'
      case 'BDAT':
        this.chunk = Number(line.split(' ')[1])
        return this.chunk === 0 ? ok : ''
      case 'QUIT':
        this.leaving = true
        return '221 2.0.0 Bye\r\n'
      default:
        return ok
    }
  }
}
