import { partner, remote, stranger, table, unix, verifying } from './decision-cases.js'

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
