import assert from 'node:assert/strict'

import { defaultSchedule } from '../../../plugins/decision/connectors-config.js'
import {
  ageOf,
  isExpired,
  nextAttempt,
  nextLook,
  wantsWarning,
} from '../../../plugins/delivery/hosts/schedule.js'
import type { Outcome } from '../../../plugins/delivery/outcome.js'
import { makeReply } from '../../../plugins/delivery/smtp/smtp-reply.js'

const minute = 60_000
const hour = 60 * minute
const deferred: Outcome = { kind: 'deferred', reply: makeReply(450, ['4.2.0 later']), host: 'h' }
const uncertain: Outcome = { kind: 'uncertain', reason: 'closed', host: 'h' }
const none = (): number => 0
const full = (): number => 1

describe('the schedule of a place', () => {
  it('by the attempts, the last repeats', () => {
    const times = [1, 2, 3, 4, 5, 100].map(
      (attempts) => nextAttempt(defaultSchedule, attempts, [deferred], none) / minute,
    )
    assert.deepEqual(times, [1, 2, 5, 10, 10, 10])
  })

  it('spread by chance, never sooner', () => {
    assert.equal(nextAttempt(defaultSchedule, 1, [deferred], full), 1.2 * minute)
  })

  it('ten minutes when the answer got lost, or more if the schedule says more', () => {
    assert.equal(nextAttempt(defaultSchedule, 1, [deferred, uncertain], none), 10 * minute)
    const slow = { ...defaultSchedule, retry: [hour] }
    assert.equal(nextAttempt(slow, 1, [uncertain], none), hour)
  })

  const looks: [string, number, boolean, number][] = [
    ['once an hour', 0, false, hour],
    ['when the sender is to be told', 3.5 * hour, false, hour / 2],
    ['after he has been told once an hour', 3.5 * hour, true, hour],
    ['when it has failed', 119.75 * hour, true, hour / 4],
    ['at once, but not more than once a second', 120 * hour - 1, true, 1000],
    ['past its time', 130 * hour, true, hour],
  ]
  for (const [name, age, warned, expected] of looks) {
    it(`what waits for a host: ${name}`, () => {
      assert.equal(nextLook(defaultSchedule, { age, warned }, none), expected)
    })
  }

  it('warns once, expires by age', () => {
    const at = (age: number, warned = false) => ({ age, warned })
    assert.equal(wantsWarning(defaultSchedule, at(4 * hour - 1)), false)
    assert.equal(wantsWarning(defaultSchedule, at(4 * hour)), true)
    assert.equal(wantsWarning(defaultSchedule, at(9 * hour, true)), false)
    assert.equal(wantsWarning({ ...defaultSchedule, warnAfter: 0 }, at(9 * hour)), false)
    assert.equal(isExpired(defaultSchedule, at(120 * hour - 1)), false)
    assert.equal(isExpired(defaultSchedule, at(120 * hour)), true)
  })

  it('a clock that jumps gives no mail up', () => {
    const taken = 1_700_000_000_000
    // time of day, and what it would be if the clock had not been set; both since the message was taken
    const cases: readonly (readonly [timeOfDay: number, steady: number, age: number])[] = [
      [hour, hour, hour],
      [365 * 24 * hour, hour, hour],
      [-365 * 24 * hour, hour, 0],
      [6 * 24 * hour, 6 * 24 * hour, 6 * 24 * hour],
    ]
    for (const [timeOfDay, steady, age] of cases) {
      assert.equal(ageOf(taken, taken + timeOfDay, taken + steady), age)
    }
    const age = ageOf(Date.now() - minute)
    assert.ok(Math.abs(age - minute) < 5000, `${age}`)
  })
})
