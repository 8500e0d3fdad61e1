/** What the decision asks, and what it does not: whom it looks up, which hosts, and what it leaks. */
import assert from 'node:assert/strict'

import { recordOf } from '../../plugins/decision/decision-record.js'
import { decideRecipient, type Decided } from '../../plugins/decision/mail-switch.js'
import { failing, objects, stranger, summary, verifying } from './decision-cases.js'
import { address, makeSwitch } from './fixture.js'

describe('decision: facts', () => {
  it('marks what authoritative would refuse in an observed domain', async () => {
    const parts = makeSwitch({ objects })
    const client = { ip: stranger, mayRelay: false }
    const observed = async (text: string): Promise<boolean> => {
      const { decision } = await decideRecipient(parts, client, address(text))
      return decision.accepted && decision.observed
    }
    assert.equal(await observed('nobody@watched.example'), true)
    assert.equal(await observed('nobody@example.com'), false)
    assert.equal(await observed('anna@example.com'), false)
  })

  it('does not pass on the question that another system asks with the null sender', async () => {
    const asked: string[] = []
    const verify = (_: string, recipient: string) => {
      asked.push(recipient)
      return { kind: 'no', host: 'h', words: '550 5.1.1 unknown' } as const
    }
    const parts = makeSwitch({ connectors: verifying, verify })
    const client = { ip: stranger, mayRelay: false, nullSender: true }
    const decided = await decideRecipient(parts, client, address('nobody@example.com'))
    assert.equal(summary(decided), 'shared connector:unix nobody@example.com')
    assert.deepEqual(asked, [])
  })

  it('never looks up foreign and relay domains, nor targets in them', async () => {
    const asked: string[] = []
    const parts = makeSwitch({ objects, asked })
    for (const to of ['who@foreign.example', 'who@partner.example', 'lost@example.com']) {
      await decideRecipient(parts, { ip: stranger, mayRelay: true }, address(to))
    }
    assert.deepEqual(asked, ['lost@example.com'])
  })

  it('leaks nothing of the directory into a reply', async () => {
    const parts = makeSwitch({ objects, failing })
    for (const object of objects) {
      const to = address(object.addresses[0] ?? '')
      const { decision } = await decideRecipient(parts, { ip: stranger, mayRelay: false }, to)
      if (!decision.accepted) assert.doesNotMatch(decision.reply.text, /CN=|@|corp/u)
    }
  })
})

describe('facts', () => {
  const asks = async (recipient: string, mayRelay = false): Promise<[string[], Decided]> => {
    const parts = makeSwitch({ objects, failing })
    const asked: string[] = []
    const { connectors } = parts
    assert.ok(connectors)
    const decided = await decideRecipient(
      {
        ...parts,
        connectors: {
          ...connectors,
          isFrom: ({ name }) => {
            asked.push(name)
            return Promise.resolve(false)
          },
        },
      },
      { ip: stranger, mayRelay },
      address(recipient),
    )
    return [asked, decided]
  }

  const cases: [recipient: string, asked: string[], connector: string | undefined][] = [
    ['anna@example.com', [], undefined],
    ['twin@example.com', [], undefined],
    ['down@example.com', [], undefined],
    ['a@example.com', [], undefined],
    ['who@foreign.example', [], undefined],
    ['nobody@closed.example', [], undefined],
    ['internetuser@xo.one', [], 'remote'],
    ['internetuser@remote.domain', ['remote'], 'remote'],
    ['nobody@example.com', ['unix'], 'unix'],
    ['who@partner.example', ['partner-open'], 'partner-open'],
  ]
  for (const [recipient, expected, connector] of cases) {
    it(`${recipient}: smart hosts are looked for ${expected.length === 0 ? 'nowhere' : 'once'}`, async () => {
      const [asked, decided] = await asks(recipient)
      assert.deepEqual(asked, expected)
      assert.equal(recordOf(recipient, decided).connector, connector)
    })
  }
})
