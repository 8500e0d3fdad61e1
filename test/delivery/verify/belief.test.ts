import assert from 'node:assert/strict'

import { beliefOf, describeBelief, type Belief } from '../../../plugins/delivery/verify/belief.js'
import type { Answered } from '../../../plugins/delivery/verify/question.js'
import { ConnectorMemory } from '../../../plugins/delivery/verify/memory.js'
import { judgeReply } from '../../../plugins/delivery/smtp/judge.js'
import { ReplyParser } from '../../../plugins/delivery/smtp/smtp-reply.js'
import { Turns } from '../../../plugins/delivery/verify/turns.js'

function answered(text: string, milliseconds = 5): Answered {
  const [reply] = new ReplyParser().feed(Buffer.from(`${text}\r\n`))
  assert.ok(reply)
  return { about: judgeReply(reply, 'RCPT'), reply, milliseconds }
}

const yes = '250 2.1.5 ok'
const nobody = '550 5.1.1 no such user'
const relay = '550 relay not permitted'

describe('what to believe of a host', () => {
  const table: [madeUp: string, postmaster: string, somebody: boolean, Belief['kind']][] = [
    [nobody, yes, false, 'tells apart'],
    [nobody, '552 5.2.2 mailbox full', false, 'tells apart'],
    ['550 5.4.1 Recipient address rejected: Access denied', yes, false, 'tells apart'],
    [nobody, nobody, true, 'tells apart'],
    [nobody, nobody, false, 'refuses all'],
    [relay, relay, false, 'refuses all'],
    [relay, nobody, false, 'refuses all'],
    [yes, yes, false, 'takes all'],
    [yes, nobody, false, 'takes all'],
    [yes, nobody, true, 'takes all'],
    ['252 2.5.2 cannot verify', yes, false, 'takes all'],
    [relay, yes, false, 'cannot say'],
    [relay, relay, true, 'cannot say'],
    ['450 4.2.0 greylisted', '450 4.2.0 greylisted', false, 'cannot say'],
    [nobody, '450 4.2.0 greylisted', false, 'cannot say'],
    [nobody, '450 4.2.0 greylisted', true, 'tells apart'],
    ['450 4.1.1 unverified address', yes, false, 'cannot say'],
  ]
  for (const [madeUp, postmaster, somebody, kind] of table) {
    it(`${madeUp}; postmaster ${postmaster}; somebody taken: ${somebody}: ${kind}`, () => {
      const belief = beliefOf(
        { madeUp: answered(madeUp), postmaster: answered(postmaster) },
        somebody,
      )
      assert.equal(belief.kind, kind)
      assert.notEqual(describeBelief(belief), '')
    })
  }

  it('sees a tarpit, and not that a host is slow for everybody', () => {
    const of = (madeUp: number, postmaster: number): string =>
      describeBelief(
        beliefOf(
          { madeUp: answered(nobody, madeUp), postmaster: answered(yes, postmaster) },
          false,
        ),
      )
    assert.match(of(5100, 20), /takes 5\.1 s to refuse one \(a tarpit\)/u)
    assert.equal(of(5100, 5000), 'tells addresses apart')
    assert.equal(of(20, 20), 'tells addresses apart')
  })
})

describe('what a connector remembers', () => {
  const hour = 3_600_000
  const apart: Belief = { kind: 'tells apart', tarpit: 0 }
  const refuses: Belief = { kind: 'refuses all', answer: answered(relay) }

  function memoryAt(): { memory: ConnectorMemory; pass: (ms: number) => void } {
    let now = 0
    return {
      memory: new ConnectorMemory('hosts', () => now),
      pass: (ms) => (now += ms),
    }
  }

  it('finds out again after an hour, and soon where it was put off', () => {
    const { memory, pass } = memoryAt()
    assert.ok(memory.isDue('h', 'd.example'))
    assert.ok(memory.believe('h', 'd.example', apart))
    assert.ok(!memory.believe('h', 'd.example', apart), 'not another one')
    pass(hour - 1)
    assert.ok(!memory.isDue('h', 'd.example'))
    pass(1)
    assert.ok(memory.isDue('h', 'd.example'))
    assert.deepEqual(memory.belief('h', 'd.example'), apart, 'stands until it is found out')
    memory.believe('h', 'd.example', { kind: 'cannot say', reason: 'x' })
    pass(60_000)
    assert.ok(memory.isDue('h', 'd.example'))
  })

  it('keeps hosts and domains apart', () => {
    const { memory } = memoryAt()
    memory.believe('h', 'd.example', apart)
    assert.equal(memory.belief('i', 'd.example'), undefined)
    assert.equal(memory.belief('h', 'e.example'), undefined)
  })

  it('asks no more where one host takes or refuses all, until it has taken somebody', () => {
    const { memory } = memoryAt()
    memory.believe('h', 'd.example', refuses)
    assert.equal(memory.uselessFor('d.example'), refuses)
    memory.sawTaken('d.example')
    assert.equal(memory.uselessFor('d.example'), undefined)
    assert.ok(memory.isDue('h', 'd.example'))
    assert.ok(memory.hasTaken('d.example'))
    memory.believe('h', 'd.example', { kind: 'takes all' })
    memory.sawTaken('d.example')
    assert.equal(memory.uselessFor('d.example')?.kind, 'takes all')
  })
})

describe('what a connector remembers of recipients', () => {
  it('asks again about a known one after an hour, without forgetting it when that fails', () => {
    let now = 0
    const memory = new ConnectorMemory('hosts', () => now)
    memory.remember('anna', { kind: 'yes' }, false)
    assert.equal(memory.answer('anna')?.isStale, false)
    now = 3_600_000
    assert.deepEqual(memory.answer('anna'), { answer: { kind: 'yes' }, isStale: true })
    memory.remember('anna', { kind: 'unknown', reason: 'down' }, false)
    assert.deepEqual(memory.answer('anna'), { answer: { kind: 'yes' }, isStale: false })
    now += 60_000
    assert.equal(memory.answer('anna')?.isStale, true)
    memory.remember('anna', { kind: 'no', host: 'h', words: '550 5.1.1' }, false)
    assert.equal(memory.answer('anna')?.answer.kind, 'no')
  })
})

describe('turns at a host', () => {
  const soon = (): { urgentUntil: number; until: number } => ({
    urgentUntil: performance.now() + 5000,
    until: performance.now() + 60_000,
  })

  it('so many at a time, who waits for an answer first, in the order they came', async () => {
    const turns = new Turns()
    const order: string[] = []
    const ends: (() => void)[] = []
    const run = (name: string, urgent: boolean): Promise<void> =>
      turns.run(
        'h',
        () => 2,
        { ...soon(), ...(!urgent && { urgentUntil: 0 }) },
        () => {
          order.push(name)
          return new Promise((resolve) => ends.push(resolve))
        },
      )
    const all = ['a', 'b', 'background', 'c', 'd'].map((name) => run(name, name.length === 1))
    for (let at = 0; at < all.length; at++) {
      await new Promise((resolve) => setImmediate(resolve))
      assert.ok(order.length <= at + 2)
      ends[at]?.()
    }
    await Promise.all(all)
    assert.deepEqual(order, ['a', 'b', 'c', 'd', 'background'])
  })

  it('the line has an end, and so has patience', async () => {
    const turns = new Turns(1)
    let free: () => void = () => undefined
    const first = turns.run(
      'h',
      () => 1,
      soon(),
      () => {
        return new Promise<void>((resolve) => (free = resolve))
      },
    )
    const late = turns.run(
      'h',
      () => 1,
      { urgentUntil: 0, until: performance.now() + 20 },
      () => Promise.resolve(),
    )
    await assert.rejects(
      turns.run(
        'h',
        () => 1,
        soon(),
        () => Promise.resolve(),
      ),
      /1 questions wait for it already/u,
    )
    await assert.rejects(late, /expected a turn in time/u)
    free()
    await first
    await turns.run(
      'h',
      () => 1,
      soon(),
      () => Promise.resolve(),
    )
  })
})
