import assert from 'node:assert/strict'

import { Tally } from '../../plugins/decision/tally.js'

describe('the tally of decisions', () => {
  it('has a line for all rules, and one for each observed domain', () => {
    const tally = new Tally()
    for (const recipient of ['a@x.example', 'A@x.example', 'b@x.example']) {
      tally.add({ recipient, decision: 'shared', observed: 'x.example' })
    }
    tally.add({ recipient: 'c@y.example', decision: 'mailbox' })
    assert.deepEqual(tally.take(), [
      'decisions: shared 3, mailbox 1; since the start 4',
      'observe x.example: 3 recipients, 2 addresses, would have been refused: "a@x.example" (2), "b@x.example" (1)',
    ])
    assert.deepEqual(tally.take(), [])
    tally.add({ recipient: 'c@y.example', decision: 'mailbox' })
    assert.deepEqual(tally.take(), ['decisions: mailbox 1; since the start 5'])
  })

  it('has one line for an address space, whatever subdomains are made up', () => {
    const tally = new Tally()
    for (let index = 0; index < 5000; index += 1) {
      const recipient = `a@made-up-${index}.x.example`
      tally.add({ recipient, decision: 'shared', observed: '*.x.example' })
    }
    const [, line, ...more] = tally.take()
    assert.match(line ?? '', /^observe \*\.x\.example: 5000 recipients, at least 1000 addresses/u)
    assert.deepEqual(more, [])
  })

  it('names some of many, and does not grow without end', () => {
    const tally = new Tally()
    for (let index = 0; index < 5000; index += 1) {
      tally.add({ recipient: `user${index}@x.example`, decision: 'shared', observed: 'x.example' })
    }
    const [, line] = tally.take()
    assert.match(line ?? '', /: 5000 recipients, at least 1000 addresses, .* and 980 more$/u)
  })
})
