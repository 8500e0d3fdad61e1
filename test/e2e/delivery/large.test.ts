/**
 * Large messages and many recipients: 25 MB to three places without a copy in memory, and 200
 * recipients at four places, each with its own fate.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { FaultServer } from '../../harness/fault-server.js'
import { Catcher, send, type GatewayProcess } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { eventually, startDeliveryGateway, type Way } from './faults.js'

const MB = 1_000_000

describe('large messages and many recipients', function () {
  this.timeout(90_000)

  const places = ['one', 'two', 'three', 'four'] as const
  const catchers: Catcher[] = []
  let sender: FaultServer
  let gateway: GatewayProcess
  const memoryFile = join(tempDir('large'), 'memory')

  before(async () => {
    sender = await FaultServer.start({ host: '127.0.0.3' })
    const ways: Record<string, Way> = {
      reports: { domains: ['sender.example'], smartHosts: sender.smartHost },
    }
    for (const [at, name] of places.entries()) {
      const protocol = at === 3 ? 'lmtp' : 'smtp'
      const catcher = await Catcher.start({ host: '127.0.0.2', protocol })
      catchers.push(catcher)
      const settings = at === 0 ? ['max_recipients = 7'] : []
      ways[name] = { domains: [`${name}.example`], smartHosts: catcher.smartHost, settings }
    }
    const env = { LIVE_MEMORY: memoryFile }
    gateway = await startDeliveryGateway({ ways, preload: ['live-memory.cjs'], env })
  })

  afterEach(() => catchers.forEach((catcher) => catcher.reset()))

  after(async () => {
    await gateway?.stop()
    await Promise.all([sender, ...catchers].map((server) => server?.stop()))
  })

  it('200 recipients, 4 places, each with its own outcome', async () => {
    const fates = ['taken', 'refused', 'deferred', 'taken', 'taken']
    const to = places.flatMap((place) =>
      Array.from({ length: 50 }, (_, at) => `${fates[at % 5]}-${at}@${place}.example`),
    )
    for (const catcher of catchers) {
      for (const address of to) {
        const reply = address.startsWith('refused') ? '550 5.1.1 unknown' : '450 4.2.0 locked'
        if (address.startsWith('taken')) continue
        // LMTP answers for each recipient after the final dot
        if (catcher.protocol === 'lmtp') catcher.replyToData(address, reply)
        else catcher.replyToRcpt(address, reply)
      }
    }
    const { data } = await send(gateway, { from: 'a@sender.example', to })
    assert.match(data?.text ?? '', /^250 2\.0\.0 queued/u)

    const of = (fate: string): string[] => to.filter((address) => address.startsWith(fate)).sort()
    const caught = (): string[] => catchers.flatMap(({ messages }) => messages.flatMap((m) => m.to))
    await eventually(() => {
      const got = caught().length
      return got === of('taken').length ? undefined : `${got} of ${of('taken').length} were taken`
    })
    assert.deepEqual(caught().sort(), of('taken'))
    assert.deepEqual(Math.max(...(catchers[0]?.messages ?? []).map((m) => m.to.length)) <= 7, true)
    await eventually(() => same(reported(sender), of('refused'), 'reported'))
    await eventually(async () => {
      const queue = await gateway.queue()
      const left = queue.flatMap(({ todo }) => todo['rcpt_to'] as { user: string; host: string }[])
      return same(left.map(({ user, host }) => `${user}@${host}`).sort(), of('deferred'), 'queued')
    })
    for (const catcher of catchers) catcher.reset()
    await eventually(() => same(caught().sort(), of('deferred'), 'taken at last'))
    await eventually(async () => {
      return (await gateway.queue()).length === 0 ? undefined : 'the queue is not empty'
    })
  })

  it('25 MB to three places are in memory once, as Haraka keeps them, and never again', async () => {
    const size = 25 * MB
    const data = Buffer.alloc(size, `${'x'.repeat(76)}\r\n`)
    data.write('Subject: large\r\n\r\n')
    const deliver = async (count: number): Promise<void> => {
      const to = places.slice(0, 3).map((place) => `a${count}@${place}.example`)
      const { data: reply } = await send(gateway, { from: 'a@sender.example', to, data })
      assert.match(reply?.text ?? '', /^250 2\.0\.0 queued/u)
      await eventually(() => {
        const got = catchers.map(({ messages }) => messages.length)
        return same(got.map(String), [String(count), String(count), String(count), '0'], 'caught')
      })
    }
    // a first small message loads what is loaded once
    await send(gateway, { from: 'a@sender.example', to: ['w@one.example', 'w@two.example'] })
    await eventually(() => ((catchers[1]?.messages.length ?? 0) > 0 ? undefined : 'not yet'))
    for (const catcher of catchers) catcher.reset()

    const earlier = await memory()
    await deliver(1)
    const all = await memory()
    const grown = (Math.max(...all.slice(earlier.length)) - (earlier.at(-1) ?? 0)) / MB
    console.log(`    memory in use grew by ${grown.toFixed(0)} MB at most`)
    assert.ok(all.length - earlier.length > 10, 'memory was not looked at')
    assert.ok(grown < 40, `it grew by ${grown.toFixed(0)} MB`)
    for (const catcher of catchers.slice(0, 3)) {
      assert.ok((catcher.messages[0]?.raw.length ?? 0) > size)
    }
  })

  /** octets in use, every 20 ms since the start */
  async function memory(): Promise<number[]> {
    return (await readFile(memoryFile, 'utf8')).trim().split('\n').map(Number)
  }
})

function same(got: readonly string[], wanted: readonly string[], what: string): string | undefined {
  if (String(got) === String(wanted)) return undefined
  return `expected ${wanted.length} ${what}, got ${got.length}: ${got.join(', ')}`
}

function reported(sender: FaultServer): string[] {
  return sender.messages
    .flatMap(({ wire }) => wire.toString().match(/^Final-Recipient: rfc822;.*$/gmu) ?? [])
    .map((line) => line.slice('Final-Recipient: rfc822;'.length))
    .sort()
}
