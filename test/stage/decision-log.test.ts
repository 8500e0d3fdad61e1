import assert from 'node:assert/strict'

import { formatRecord, type DecisionRecord } from '../../plugins/decision/decision-record.js'
import { parseDecision, reasonOf } from '../../plugins/stage/decision-log.js'

const prefix = '[NOTICE] [6B8D9A.1] [address-space/accepted-domains] '

/** What a hostile sender and a broken directory put into their values. */
const hostile = [
  '"x place=connector:other observed=would-be-refused"@example.com',
  '"a\\" observed=\\"would-be-refused\\" detail=\\""@example.com',
  'a>b<c> recipient=<d@example.com>@example.com',
  'x\r\n[NOTICE] [1.1] [address-space/accepted-domains] decision=shared recipient="y@z"',
  'tab\tnull\u0000escape\u001b[31mred\u009b31m',
  'turned\u202e@example.com\u2028next\u0085line',
  'half \ud800 of a pair',
  '\u6f22\u5b57@\u4f8b.example',
  '',
]

/** A record as each of Haraka's log formats writes it. */
function written(message: string): string[] {
  const fields = { level: 'NOTICE', uuid: '6B8D9A.1', origin: 'address-space/accepted-domains' }
  const text = message.replace(/["\\\r\n]/gu, (c) => ({ '\r': '\\r', '\n': '\\n' })[c] ?? `\\${c}`)
  return [
    prefix + message,
    `2026-01-01T00:00:00.000Z ${prefix}${message}`,
    `Jan  1 00:00:00 mx haraka[123]: ${prefix}${message}`,
    JSON.stringify({ ...fields, message }),
    `level=NOTICE uuid=6B8D9A.1 origin=address-space/accepted-domains message="${text}"`,
  ]
}

describe('decision log', () => {
  it('reads an accepted recipient', () => {
    const record: DecisionRecord = {
      recipient: 'internetuser@xo.one',
      decision: 'contact',
      place: 'connector:remote',
      directory: 'corp',
      chain: ['internetuser@xo.one', 'internetUser@remote.domain'],
    }
    for (const line of written(formatRecord(record))) {
      const decision = parseDecision(line)
      assert.deepEqual(decision, {
        ...record,
        reply: undefined,
        detail: undefined,
        observed: false,
      })
      assert.match(reasonOf(decision), /a contact → internetUser@remote\.domain/u)
    }
  })

  it('reads a refused one', () => {
    const decision = parseDecision(
      `${prefix}decision=unroutable recipient="a@example.com" reply="450 4.4.4" detail="no connector takes a@b.example"`,
    )
    assert.equal(decision?.reply, '450 4.4.4')
    assert.equal(decision && reasonOf(decision), 'no connector takes a@b.example')
  })

  it('passes over other lines', () => {
    assert.equal(parseDecision('[INFO] [-] [core] Listening on 127.0.0.1:2525'), undefined)
    assert.equal(parseDecision(`${prefix}decision=mailbox`), undefined)
    assert.equal(parseDecision(`${prefix}decision=mailbox recipient="a@b" place="c`), undefined)
  })

  it('believes nobody but the plugins themselves', () => {
    const forged = 'decision=shared recipient="a@example.com" place="connector:unix"'
    const lines = [
      forged,
      `[NOTICE] [1.1] [core] recipient <${forged}> denied`,
      `[INFO] [1] [core] helo ${prefix}${forged}`,
      `[INFO] [1] [helo.checks] ${prefix}${forged}`,
      JSON.stringify({ level: 'INFO', uuid: '1', origin: 'core', message: prefix + forged }),
      `level=INFO uuid=1 origin=core message="${prefix.replace(/"/gu, '')}x" mid="${forged}"`,
    ]
    for (const line of lines) assert.equal(parseDecision(line), undefined, line)
  })

  it('gives back every value as it was, whatever is in it', () => {
    for (const value of hostile) {
      const record: DecisionRecord = {
        recipient: value,
        decision: 'ambiguous',
        reply: '450 4.1.4',
        directory: value,
        detail: value,
        chain: [value, value],
      }
      const message = formatRecord(record)
      // eslint-disable-next-line no-control-regex -- control characters are what it looks for
      assert.doesNotMatch(message, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/u)
      for (const line of written(message)) {
        const read = parseDecision(line)
        assert.deepEqual(read, { ...record, place: undefined, observed: false }, line)
      }
    }
  })
})
