/**
 * Asks for a page again and again, so many times a second, in a process of its own, from `begin` to
 * `end`; then says how it was answered. `serverMain` is a server beside: the same work on the same machine,
 * of which the gateway knows nothing.
 */
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'

// milliseconds
const tick = 10

export interface Answered {
  /** answers by status; 0: none */
  readonly statuses: Readonly<Record<number, number>>
}

/** `argv`: how many a second, and of which URL. */
function requestsMain([perSecond = '1000', url = '']: readonly string[]): void {
  let statuses: Record<number, number> = {}
  const note = (status: number): void => void (statuses[status] = (statuses[status] ?? 0) + 1)
  let started = 0
  let asked = 0
  let asking: NodeJS.Timeout | undefined
  const ask = (): void => {
    const due = ((performance.now() - started) / 1000) * Number(perSecond)
    while (asked < due) {
      asked++
      get(url, { agent: false }, (response) => {
        note(response.statusCode ?? 0)
        response.resume()
      }).on('error', () => note(0))
    }
  }
  process.on('message', (what) => {
    clearInterval(asking)
    if (what === 'begin') {
      statuses = {}
      asked = 0
      started = performance.now()
      asking = setInterval(ask, tick)
    } else process.send?.({ statuses } satisfies Answered)
  })
  process.on('disconnect', () => process.exit())
  process.send?.('ready')
}

/** Answers as the status page does who asks too often; says where it listens. */
function serverMain(): void {
  const server = createServer((_, response) =>
    response.writeHead(429, { 'Retry-After': '1', Connection: 'close' }).end(),
  )
  server.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  })
  process.on('disconnect', () => process.exit())
}

const [part, ...rest] = process.argv.slice(2)
if (part === 'server') serverMain()
else requestsMain(rest)
