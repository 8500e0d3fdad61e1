import assert from 'node:assert/strict'

import { commonRefusal, type Outcome } from '../../plugins/delivery/outcome.js'
import { formatReply, makeReply } from '../../plugins/delivery/smtp/smtp-reply.js'

const host = 'h'
const yes: Outcome = { kind: 'delivered', reply: makeReply(250, ['2.0.0 ok']), host }
const no: Outcome = { kind: 'refused', reply: makeReply(550, ['5.1.1 unknown']), host }
const notNow: Outcome = { kind: 'deferred', reply: makeReply(451, ['4.7.1 later']), host }
const down: Outcome = { kind: 'unreachable', reason: 'refused', host }
const unsure: Outcome = { kind: 'uncertain', reason: 'closed', host }

describe("the answer for a client is the host's own", () => {
  const cases: [string, Outcome[], string | undefined][] = [
    ['refused by all', [no, no], '550 5.1.1 unknown'],
    ['deferred by all', [notNow, notNow], '451 4.7.1 later'],
    ['refused for some', [yes, no], undefined],
    ['some refused, some deferred', [no, notNow], undefined],
    ['some deferred, some not reached', [notNow, down], undefined],
    ['not reached', [down], undefined],
    ['perhaps delivered', [unsure, no], undefined],
    ['delivered', [yes], undefined],
    ['nobody', [], undefined],
  ]
  for (const [name, outcomes, expected] of cases) {
    it(`${name}: ${expected ?? 'not'}`, () => {
      const reply = commonRefusal(outcomes)
      assert.equal(reply && formatReply(reply), expected)
    })
  }
})
