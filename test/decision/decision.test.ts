import assert from 'node:assert/strict'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { placeKey } from '../../plugins/mail/place.js'
import { recordOf } from '../../plugins/decision/decision-record.js'
import { decideRecipient, type Decided } from '../../plugins/decision/mail-switch.js'
import { address, makeSwitch, type SwitchOptions, type TestObject } from './fixture.js'

const objects: TestObject[] = [
  { dn: 'CN=Anna', addresses: ['anna@example.com', 'anna@example.local'] },
  { dn: 'CN=Admin', addresses: ['admin@example.local'] },
  {
    dn: 'CN=Internet User',
    addresses: ['internetuser@remote.domain', 'internetuser@xo.one'],
    target: 'internetUser@remote.domain',
  },
  { dn: 'CN=First', addresses: ['first@example.com'], target: 'second@example.com' },
  { dn: 'CN=Second', addresses: ['second@example.com'], target: 'third@remote.domain' },
  { dn: 'CN=To Anna', addresses: ['to-anna@example.com'], target: 'anna@example.local' },
  { dn: 'CN=Lost', addresses: ['lost@example.com'], target: 'lost@nowhere.example' },
  { dn: 'CN=Dangling', addresses: ['dangling@example.com'], target: 'gone@example.local' },
  { dn: 'CN=Own', addresses: ['own@example.com'], target: 'own@example.com' },
  { dn: 'CN=Unusable', addresses: ['unusable@example.com'], contact: true },
  { dn: 'CN=X400', addresses: ['x400@example.com'], target: 'X400:c=US;a= ;p=Corp' },
  { dn: 'CN=Circle A', addresses: ['a@example.com'], target: 'b@example.com' },
  { dn: 'CN=Circle B', addresses: ['b@example.com'], target: 'a@example.com' },
  { dn: 'CN=Twin 1', addresses: ['twin@example.com'] },
  { dn: 'CN=Twin 2', addresses: ['twin@example.com'] },
  { dn: 'CN=Half', addresses: ['half%half@example.com'] },
  { dn: 'CN=X400 User', addresses: ['x400-user@example.com'], target: 'u%x400@remote.domain' },
  { dn: 'CN=To Down', addresses: ['to-down@example.com'], target: 'down@example.com' },
]
const failing = ['down@example.com', 'down@example.local', 'postmaster@xo.one']

const stranger = '198.51.100.1'
const unix = '192.0.2.10'
const remote = '192.0.2.20'
const partner = '192.0.2.31'

/** `rule place address` of an accepted recipient, `rule code enhanced` of a refused one. */
function summary({ decision }: Decided): string {
  if (!decision.accepted) {
    return `${decision.rule} ${decision.reply.code} ${decision.reply.enhanced}`
  }
  const { destination } = decision
  const place = destination.kind === 'left' ? 'left' : placeKey(destination)
  return `${decision.rule} ${place} ${decision.address.local}@${decision.address.domain}`
}

type Case = [recipient: string, ip: string, mayRelay: boolean, expected: string]

function table(name: string, options: SwitchOptions, cases: Case[]): void {
  describe(`decision: ${name}`, () => {
    const parts = makeSwitch({ objects, failing, ...options })
    for (const [recipient, ip, mayRelay, expected] of cases) {
      const who = mayRelay ? 'a relaying client' : 'a stranger'
      it(`${recipient} from ${who} at ${ip}: ${expected}`, async () => {
        const bare = recipient === 'postmaster' || recipient === ''
        const to = bare ? mailAddress(recipient, '') : address(recipient)
        assert.equal(summary(await decideRecipient(parts, { ip, mayRelay }, to)), expected)
      })
    }
  })
}

table('the whole table', {}, [
  ['who@foreign.example', stranger, false, 'relaying-denied 550 5.7.1'],
  ['who@foreign.example', stranger, true, 'foreign outbound:foreign.example who@foreign.example'],
  ['anna@example.com', stranger, false, 'mailbox mailbox-host:corp anna@example.com'],
  ['anna@example.local', stranger, true, 'mailbox mailbox-host:corp anna@example.local'],
  ['ANNA+shop@example.com', stranger, false, 'mailbox mailbox-host:corp ANNA+shop@example.com'],
  ['internetUser@xo.one', stranger, false, 'contact connector:remote internetUser@remote.domain'],
  [
    'internetuser+a@xo.one',
    stranger,
    false,
    'contact connector:remote internetUser+a@remote.domain',
  ],
  [
    'internetuser@remote.domain',
    stranger,
    false,
    'contact connector:remote internetUser@remote.domain',
  ],
  ['first@example.com', stranger, false, 'contact connector:remote third@remote.domain'],
  ['to-anna@example.com', stranger, false, 'mailbox mailbox-host:corp anna@example.local'],
  ['lost@example.com', stranger, false, 'unroutable 450 4.4.4'],
  ['lost@example.com', stranger, true, 'unroutable 450 4.4.4'],
  ['dangling@example.com', stranger, false, 'unroutable 450 4.4.4'],
  ['own@example.com', stranger, false, 'contact connector:unix own@example.com'],
  ['own@example.com', unix, false, 'came-from-there 550 5.1.1'],
  ['a@example.com', stranger, false, 'circle 550 5.4.6'],
  ['unusable@example.com', stranger, false, 'unusable-contact 550 5.1.1'],
  ['x400@example.com', stranger, false, 'unusable-contact 550 5.1.1'],
  ['nobody@example.local', stranger, false, 'unknown 550 5.1.1'],
  ['nobody@example.local', stranger, true, 'unknown 550 5.1.1'],
  ['nobody@example.com', stranger, false, 'shared connector:unix nobody@example.com'],
  ['nobody@example.com', unix, false, 'came-from-there 550 5.1.1'],
  ['nobody@example.com', unix, true, 'came-from-there 550 5.1.1'],
  ['nobody@example.com', remote, false, 'shared connector:unix nobody@example.com'],
  ['internetuser@xo.one', remote, false, 'contact connector:remote internetUser@remote.domain'],
  ['internetuser@remote.domain', remote, false, 'came-from-there 550 5.1.1'],
  ['victim%foreign.example@example.com', stranger, false, 'relaying-denied 550 5.7.1'],
  ['foreign.example!victim@example.com', stranger, false, 'relaying-denied 550 5.7.1'],
  ['"victim@foreign.example"@example.com', stranger, false, 'relaying-denied 550 5.7.1'],
  ['victim%foreign.example@partner.example', stranger, false, 'relaying-denied 550 5.7.1'],
  ['a%b@example.com', stranger, true, 'shared connector:unix a%b@example.com'],
  ['half%half@example.com', stranger, false, 'mailbox mailbox-host:corp half%half@example.com'],
  ['IMCEASMTP-victim+40foreign.example@example.com', stranger, false, 'relaying-denied 550 5.7.1'],
  // the sender's tag stays behind where it may name another host
  ['anna+50%@example.com', stranger, false, 'mailbox mailbox-host:corp anna@example.com'],
  [
    'anna+x%foreign.example@example.com',
    stranger,
    false,
    'mailbox mailbox-host:corp anna@example.com',
  ],
  [
    'anna+x%foreign.example@example.com',
    stranger,
    true,
    'mailbox mailbox-host:corp anna@example.com',
  ],
  [
    '"anna+x@foreign.example"@example.com',
    stranger,
    false,
    'mailbox mailbox-host:corp anna@example.com',
  ],
  ['ANNA+a!b@example.local', stranger, false, 'mailbox mailbox-host:corp ANNA@example.local'],
  ['nobody+a!b@example.com', stranger, false, 'relaying-denied 550 5.7.1'],
  ['nobody+a!b@example.local', stranger, false, 'unknown 550 5.1.1'],
  ['x400-user@example.com', stranger, false, 'contact connector:remote u%x400@remote.domain'],
  [
    'internetuser+a%foreign.example@xo.one',
    stranger,
    false,
    'contact connector:remote internetUser@remote.domain',
  ],
  [
    '"internetuser+a@foreign.example"@xo.one',
    stranger,
    false,
    'contact connector:remote internetUser@remote.domain',
  ],
  ['nobody@orphan.example', stranger, false, 'no-connector 550 5.7.1'],
  ['nobody@closed.example', stranger, false, 'no-connector 550 5.7.1'],
  ['nobody@closed.example', stranger, true, 'shared connector:partner nobody@closed.example'],
  ['who@partner.example', stranger, false, 'relay connector:partner-open who@partner.example'],
  ['who@partner.example', stranger, true, 'relay connector:partner who@partner.example'],
  ['who@partner.example', partner, false, 'came-from-there 550 5.1.1'],
  ['who@lost.example', stranger, false, 'no-connector 550 5.7.1'],
  ['twin@example.com', stranger, false, 'ambiguous 450 4.1.4'],
  ['down@example.com', stranger, false, 'directory-failure 450 4.4.3'],
  ['down@example.local', stranger, false, 'directory-failure 450 4.4.3'],
  ['to-down@example.com', stranger, false, 'directory-failure 450 4.4.3'],
  ['nobody@watched.example', stranger, false, 'shared connector:unix nobody@watched.example'],
  ['postmaster', stranger, false, 'postmaster mailbox-host:corp admin@example.local'],
  ['Postmaster@example.com', stranger, false, 'postmaster mailbox-host:corp admin@example.local'],
  ['postmaster@example.local', stranger, false, 'postmaster mailbox-host:corp admin@example.local'],
  ['postmaster@example.com', unix, false, 'postmaster mailbox-host:corp admin@example.local'],
  [
    'postmaster@orphan.example',
    stranger,
    false,
    'postmaster mailbox-host:corp admin@example.local',
  ],
  [
    'postmaster@partner.example',
    stranger,
    false,
    'relay connector:partner-open postmaster@partner.example',
  ],
  ['postmaster@xo.one', stranger, false, 'directory-failure 450 4.4.3'],
  ['', stranger, false, 'relaying-denied 550 5.7.1'],
  ['', stranger, true, 'unknown 550 5.1.3'],
  ['postmaster@foreign.example', stranger, false, 'relaying-denied 550 5.7.1'],
])

table(
  'a connector for every domain',
  { connectors: '[all]\naddress_spaces = *\nsmart_hosts = [192.0.2.10]\n' },
  [
    ['who@foreign.example', stranger, true, 'foreign connector:all who@foreign.example'],
    ['who@foreign.example', stranger, false, 'relaying-denied 550 5.7.1'],
    ['who@foreign.example', unix, true, 'came-from-there 550 5.4.6'],
    ['dangling@example.com', stranger, false, 'unroutable 450 4.4.4'],
    ['nobody@example.com', stranger, false, 'no-connector 550 5.7.1'],
    ['lost@example.com', stranger, false, 'contact connector:all lost@nowhere.example'],
  ],
)

table('without the connectors plugin', { connectors: undefined }, [
  ['anna@example.com', stranger, false, 'mailbox left anna@example.com'],
  ['nobody@example.com', stranger, false, 'shared left nobody@example.com'],
  ['nobody@example.local', stranger, false, 'unknown 550 5.1.1'],
  ['internetuser@xo.one', stranger, false, 'contact left internetUser@remote.domain'],
  ['who@partner.example', stranger, false, 'relay left who@partner.example'],
  ['who@foreign.example', stranger, true, 'foreign left who@foreign.example'],
  ['who@foreign.example', stranger, false, 'relaying-denied 550 5.7.1'],
  ['postmaster@example.com', stranger, false, 'postmaster left admin@example.local'],
])

table('without the contacts plugin', { contacts: false }, [
  ['anna@example.com', stranger, false, 'mailbox mailbox-host:corp anna@example.com'],
  ['first@example.com', stranger, false, 'shared connector:unix first@example.com'],
  ['internetuser@xo.one', stranger, false, 'fault 450 4.3.5'],
])

table('without either', { contacts: false, connectors: undefined }, [
  ['first@example.com', stranger, false, 'contact left first@example.com'],
  ['unusable@example.com', stranger, false, 'unusable-contact 550 5.1.1'],
])

table('without the accepted-domains plugin', { decidesDomains: false }, [
  ['victim%foreign.example@example.com', stranger, false, 'relaying-denied 550 5.7.1'],
  ['anna@example.com', stranger, false, 'mailbox mailbox-host:corp anna@example.com'],
  ['nobody@example.com', stranger, false, 'shared connector:unix nobody@example.com'],
  ['nobody@closed.example', stranger, false, 'shared connector:partner nobody@closed.example'],
  ['nobody@example.com', unix, false, 'came-from-there 550 5.1.1'],
  ['who@foreign.example', stranger, true, 'shared left who@foreign.example'],
  ['first@example.com', stranger, false, 'contact connector:remote third@remote.domain'],
  ['lost@example.com', stranger, false, 'contact left lost@nowhere.example'],
])

table('a directory without a mailbox host', { mailboxHost: false }, [
  ['anna@example.com', stranger, false, 'mailbox left anna@example.com'],
])

table('a configured postmaster that does not exist', { objects: [] }, [
  ['postmaster@example.com', stranger, false, 'fault 450 4.3.5'],
  ['postmaster', stranger, false, 'fault 450 4.3.5'],
])

const verifying = `
[unix]
address_spaces = example.com
smart_hosts = [192.0.2.10]
allow_relay = true
verify_recipients = true
`
table(
  'verify_recipients',
  {
    connectors: verifying,
    verify: (_, recipient) => {
      if (recipient.startsWith('down')) return { kind: 'unknown', reason: 'down' }
      return recipient === 'paul@example.com'
        ? { kind: 'yes' }
        : { kind: 'no', host: 'h', words: '550 5.1.1 unknown' }
    },
    failing: [],
  },
  [
    ['paul@example.com', stranger, false, 'shared connector:unix paul@example.com'],
    ['nobody@example.com', stranger, false, 'unknown-there 550 5.1.1'],
    ['down@example.com', stranger, false, 'shared connector:unix down@example.com'],
    ['anna@example.com', stranger, false, 'mailbox mailbox-host:corp anna@example.com'],
  ],
)

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

table(
  'postmaster lives on the host that asks',
  {
    domains: `shared = example.com
postmaster = admin@example.com`,
    objects: [],
  },
  [
    ['postmaster@example.com', unix, false, 'postmaster connector:unix admin@example.com'],
    ['postmaster', unix, false, 'postmaster connector:unix admin@example.com'],
    ['postmaster@example.com', stranger, false, 'postmaster connector:unix admin@example.com'],
    ['admin@example.com', unix, false, 'came-from-there 550 5.1.1'],
  ],
)

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
