/**
 * Ten thousand entries in three places: one host is down, one is full, one place is paused. Every cell
 * of `address-space queue` is compared with an independent count of the files.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand } from '../../cli/command.js'
import { FaultServer } from '../../harness/fault-server.js'
import { send, type GatewayProcess } from '../../harness/haraka.js'
import { writeEntry } from '../../operations/queue-folder.js'
import { eventually, startDeliveryGateway } from '../delivery/faults.js'

const places = ['down', 'full', 'held'] as const
const hour = 3_600_000

interface Counted {
  messages: number
  recipients: number
  oldest: number
  /** as the names of the files say */
  nextTry: number
}

/** What the files say, read in another way than the command does. */
function countFiles(folder: string): Map<string, Counted> {
  const counted = new Map<string, Counted>()
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name))
    const todo = JSON.parse(content.toString('utf8', 4, 4 + content.readUInt32BE(0))) as {
      queue_time: number
      rcpt_to: unknown[]
      notes: { address_space: { place: { connector: string } } }
    }
    const place = `connector:${todo.notes.address_space.place.connector}`
    const before = counted.get(place) ?? {
      messages: 0,
      recipients: 0,
      oldest: Infinity,
      nextTry: Infinity,
    }
    before.messages++
    before.recipients += todo.rcpt_to.length
    before.oldest = Math.min(before.oldest, todo.queue_time)
    before.nextTry = Math.min(before.nextTry, Number(name.split('_')[1]))
    counted.set(place, before)
  }
  return counted
}

describe('address-space queue with 10,000 entries', function () {
  this.timeout(180_000)
  let full: FaultServer
  let gateway: GatewayProcess

  before(async () => {
    full = await FaultServer.start({ host: '127.0.0.2', limits: { sessions: 2, slowDot: 60_000 } })
    const down = await FaultServer.start({ host: '127.0.0.3' })
    await down.stop()
    gateway = await startDeliveryGateway({
      nodes: 2,
      logLevel: 'notice',
      ways: Object.fromEntries(
        places.map((name) => [
          name,
          {
            domains: [`${name}.example`],
            smartHosts: name === 'down' ? down.smartHost : full.smartHost,
            settings: ['retry = 1h', 'delivery = queue'],
          },
        ]),
      ),
    })
    await gateway.stop()
    const now = Date.now()
    for (let number = 0; number < 10_000; number++) {
      const connector = places[number % 3] ?? ''
      writeEntry(join(gateway.dir, 'queue'), {
        uuid: `5A6B7C8D-1111-2222-3333-${String(number).padStart(12, '0')}.1.1`,
        place: { kind: 'connector', connector },
        recipients: Array.from(
          { length: (number % 4) + 1 },
          (_, n) => `r${n}@${connector}.example`,
        ),
        since: now - (number % 50) * hour,
        next: now + hour + number * 1000,
        attempts: number % 7,
        pid: 7_000_000 + (number % 2),
      })
    }
  })
  after(async () => {
    await gateway.stop()
    await full.stop()
  })

  it('is right in every cell, and quick', async () => {
    const paused = ['queue', 'pause', 'held', '--reason', 'move', '--for', '3h', '-c', gateway.dir]
    assert.equal((await runCommand(paused)).code, 0)
    await gateway.start(90_000)
    const mail = async (to: string): Promise<void> => {
      const { data } = await send(gateway, { from: 'a@client.example', to: [to] })
      assert.equal(data?.code, 250)
    }
    for (let number = 0; number < 8; number++) await mail(`u${number}@full.example`)
    await mail('u@down.example')
    await mail('u@held.example')

    let took = 0
    let rows: Record<string, unknown>[] = []
    const states = (): Record<string, string> =>
      Object.fromEntries(
        rows.map(({ place, state }) => [String(place), (state as { kind: string }).kind]),
      )
    await eventually(async () => {
      const started = performance.now()
      const { stdout, stderr, code } = await runCommand(['queue', '--json', '-c', gateway.dir])
      took = performance.now() - started
      assert.equal(code, 0, stderr)
      rows = JSON.parse(stdout) as Record<string, unknown>[]
      const { 'connector:full': isFull, 'connector:down': isDown } = states()
      return isFull === 'full' && isDown === 'left-alone' ? undefined : JSON.stringify(states())
    }, 60_000)
    assert.deepEqual(states(), {
      'connector:down': 'left-alone',
      'connector:full': 'full',
      'connector:held': 'paused',
    })
    const counted = countFiles(join(gateway.dir, 'queue'))
    assert.equal(
      [...counted.values()].reduce((sum, one) => sum + one.messages, 0),
      10_010,
    )
    for (const [place, { messages, recipients, oldest }] of counted) {
      const row = rows.find((one) => one['place'] === place)
      assert.deepEqual(
        [row?.['messages'], row?.['recipients'], row?.['oldest']],
        [messages, recipients, new Date(oldest).toISOString()],
        place,
      )
      const ages = Object.values(row?.['ages'] as Record<string, number>)
      assert.equal(
        ages.reduce((sum, one) => sum + one, 0),
        messages,
      )
    }
    const next = (place: string): unknown =>
      rows.find((one) => one['place'] === `connector:${place}`)?.['nextTry']
    const down = rows.find(({ place }) => place === 'connector:down')?.['state']
    // what waits for its host goes when that is tried again
    assert.equal(next('down'), (down as { until: string }).until)
    const nextFull = Date.parse(String(next('full')))
    assert.ok(nextFull <= Date.now(), 'one is due as soon as a session is free')
    const pause = rows.find(({ place }) => place === 'connector:held')?.['state']
    assert.equal(next('held'), (pause as { until: string }).until)
    console.log(`      10,010 entries in ${took.toFixed(0)} ms`)
    // two seconds on a machine of its own
    assert.ok(took < 20_000, `took ${took.toFixed(0)} ms`)
    const table = await runCommand(['queue', '-c', gateway.dir])
    assert.match(table.stdout, /^connector:down .* left alone(?: for |: is tried)/mu)
    assert.match(table.stdout, /^connector:full .* full \(\d+\)/mu)
    assert.match(table.stdout, /^connector:held .* paused: move, for (2 h \d+ min|3 h) more/mu)
    assert.match(table.stdout, /^10010 messages for \d+ recipients/mu)
  })
})
