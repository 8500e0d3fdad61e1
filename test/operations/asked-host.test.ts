import assert from 'node:assert/strict'

import type { Belief } from '../../plugins/delivery/verify/belief.js'
import { makeReply } from '../../plugins/delivery/smtp/smtp-reply.js'
import { findingOf } from '../../plugins/operations/asked-host.js'

const refuses = (about: 'us' | 'address', text: string): Belief => ({
  kind: 'refuses all',
  answer: { about, reply: makeReply(550, [text]), milliseconds: 1 },
})

describe('what follows from how a host answers about recipients', () => {
  const cases: [Belief, verifies: boolean, kind: string | undefined, text: RegExp][] = [
    [{ kind: 'tells apart', tarpit: 5100 }, true, 'good', /5\.1 s/u],
    [{ kind: 'tells apart', tarpit: 0 }, false, undefined, /^$/u],
    [{ kind: 'takes all' }, true, 'note', /verify_recipients cannot help/u],
    [{ kind: 'takes all' }, false, undefined, /^$/u],
    [{ kind: 'cannot say', reason: 'it answered 450' }, true, 'note', /it answered 450/u],
    [refuses('us', '5.7.64 TenantAttribution'), false, 'wrong', /inbound connector/u],
    [refuses('us', 'relay not permitted'), true, 'wrong', /550 relay not permitted/u],
    [refuses('address', '5.1.1 no'), true, 'note', /postmaster of the domain/u],
    [refuses('address', '5.1.1 no'), false, undefined, /^$/u],
  ]
  for (const [belief, verifyRecipients, kind, text] of cases) {
    it(`${belief.kind}, verify_recipients = ${verifyRecipients}: ${kind ?? 'nothing'}`, () => {
      const asked = { where: 'connector unix', host: 'h', domain: 'd.example', belief }
      const [finding, ...more] = findingOf({ ...asked, verifyRecipients })
      assert.equal(finding?.kind, kind)
      assert.match(finding ? Object.values(finding).join(' ') : '', text)
      assert.deepEqual(more, [])
    })
  }
})
