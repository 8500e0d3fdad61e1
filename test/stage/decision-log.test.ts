import assert from 'node:assert/strict'

import { parseDecision, reasonOf } from '../../plugins/stage/decision-log.js'

const prefix = '[NOTICE] [6B8D9A.1] [address-space/accepted-domains] '

describe('decision log', () => {
  it('reads an accepted recipient', () => {
    const decision = parseDecision(
      `${prefix}decision=contact recipient=<internetuser@xo.one> place=connector:remote directory=corp chain=internetuser@xo.one>internetUser@remote.domain`,
    )
    assert.deepEqual(decision, {
      decision: 'contact',
      recipient: 'internetuser@xo.one',
      place: 'connector:remote',
      reply: undefined,
      directory: 'corp',
      chain: ['internetuser@xo.one', 'internetUser@remote.domain'],
      detail: undefined,
      observed: false,
    })
    assert.ok(decision)
    assert.match(reasonOf(decision), /a contact → internetUser@remote\.domain/u)
  })

  it('reads a refused one', () => {
    const decision = parseDecision(
      `${prefix}decision=unroutable recipient=<a@example.com> reply="450 4.4.4" detail="no connector takes a@b.example"`,
    )
    assert.equal(decision?.reply, '450 4.4.4')
    assert.equal(decision && reasonOf(decision), 'no connector takes a@b.example')
  })

  it('passes over other lines', () => {
    assert.equal(parseDecision('[INFO] [-] [core] Listening on 127.0.0.1:2525'), undefined)
    assert.equal(parseDecision(`${prefix}decision=mailbox`), undefined)
  })
})
