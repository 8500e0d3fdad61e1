/** Who listens to events: batches, their times, and listeners that fail. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

import { Observers, type Listener } from '../../plugins/gateway/observers.js'
import type { MailEvent } from '../../plugins/mail/mail-event.js'

function event(uuid: string): MailEvent {
  return { kind: 'loop', uuid, recipient: 'a@x.example', original: 'a@x.example', reply: '' }
}

describe('observers of events', () => {
  function listening(): { observers: Observers; heard: string[]; dates: number[] } {
    const observers = new Observers()
    const heard: string[] = []
    const dates: number[] = []
    observers.add(({ uuid }, { date }) => {
      heard.push(uuid)
      dates.push(date)
    })
    return { observers, heard, dates }
  }

  it('hear every event in its order, soon, with its own time', async () => {
    const { observers, heard, dates } = listening()
    const before = Date.now()
    observers.observe(event('1'))
    const between = Date.now()
    await delay(20)
    observers.observe(event('2'))
    await delay(150)
    assert.deepEqual(heard, ['1', '2'])
    const [first = 0, second = 0] = dates
    assert.ok(first >= before && first <= between, String(dates))
    assert.ok(second - first >= 15, String(dates))
  })

  it('hear at once when they are asked', () => {
    const { observers, heard } = listening()
    observers.observe(event('1'))
    observers.flush()
    observers.flush()
    assert.deepEqual(heard, ['1'])
  })

  it('hear many events without waiting for the time', () => {
    const { observers, heard } = listening()
    for (let at = 0; at < 1000; at++) observers.observe(event(String(at)))
    assert.ok(heard.length > 900, String(heard.length))
  })

  it('one that throws keeps nothing from the others', () => {
    const { observers, heard } = listening()
    observers.add(() => {
      throw new Error('its own fault')
    })
    const others: string[] = []
    observers.add(({ uuid }) => others.push(uuid))
    observers.observe(event('1'))
    observers.observe(event('2'))
    observers.flush()
    assert.deepEqual(
      [heard, others],
      [
        ['1', '2'],
        ['1', '2'],
      ],
    )
  })

  it('one that leaves has heard all that happened before; then nobody listens', () => {
    const observers = new Observers()
    const heard: string[] = []
    const listener: Listener = ({ uuid }) => heard.push(uuid)
    observers.add(listener)
    observers.observe(event('1'))
    observers.remove(listener)
    observers.observe(event('2'))
    observers.flush()
    assert.deepEqual([heard, observers.any], [['1'], false])
  })
})
