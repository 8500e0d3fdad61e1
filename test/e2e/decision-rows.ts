/**
 * Every row of the decision table: who asks for which recipient, and the answer. With the
 * configuration that they hold for; its Unix system is given by the test.
 */
export const stranger = '127.0.0.1'
export const unixAddress = '127.0.0.2'
const partnerAddress = '127.0.0.5'
export const relaying = '127.0.0.9'

const contacts = `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna,DC=example",user,SMTP:anna@example.com;smtp:anna@example.local,
"CN=Admin,DC=example",user,SMTP:admin@example.local,
"CN=Internet User,DC=xo,DC=one",contact,SMTP:internetUser@remote.domain; smtp:internetuser@xo.one,SMTP:internetUser@remote.domain
"CN=Chain,DC=example",contact,smtp:chain@example.com,SMTP:internetuser@xo.one
"CN=Lost,DC=example",contact,smtp:lost@example.com,SMTP:lost@nowhere.example
"CN=Unusable,DC=example",contact,smtp:unusable@example.com,
"CN=Circle A,DC=example",contact,smtp:a@example.com,SMTP:b@example.com
"CN=Circle B,DC=example",contact,smtp:b@example.com,SMTP:a@example.com
"CN=Twin 1,DC=example",user,smtp:twin@example.com,
"CN=Twin 2,DC=example",user,smtp:twin@example.com,
`
const domains = `
authoritative = example.local, xo.one
shared = example.com, remote.domain, closed.example
relay = partner.example
observe = watched.example
postmaster = admin@example.local
recipient_delimiter = +
`

export type Row = [what: string, recipient: string, from: string, code: number, enhanced: string]

export const rows: Row[] = [
  ['in no accepted domain, a stranger', 'who@foreign.example', stranger, 550, '5.7.1'],
  ['in no accepted domain, may relay', 'who@foreign.example', relaying, 250, '2.1.5'],
  ['a mailbox', 'anna@example.com', stranger, 250, '2.1.5'],
  ['a mailbox, any case and quoted', '"ANNA"@EXAMPLE.com', stranger, 250, '2.1.5'],
  ['a mailbox with a tag', 'anna+shop@example.local', stranger, 250, '2.1.5'],
  ['a contact', 'internetuser@xo.one', stranger, 250, '2.1.5'],
  ['a contact of a contact', 'chain@example.com', stranger, 250, '2.1.5'],
  ['a contact whose target no connector takes', 'lost@example.com', stranger, 450, '4.4.4'],
  ['the same for a relaying client', 'lost@example.com', relaying, 450, '4.4.4'],
  ['contacts in a circle', 'a@example.com', stranger, 550, '5.4.6'],
  ['a contact without a target', 'unusable@example.com', stranger, 550, '5.1.1'],
  ['unknown, authoritative', 'nobody@example.local', stranger, 550, '5.1.1'],
  ['unknown, authoritative, may relay', 'nobody@example.local', relaying, 550, '5.1.1'],
  ['unknown, shared', 'nobody@example.com', stranger, 250, '2.1.5'],
  ['unknown, shared, may relay', 'nobody@example.com', relaying, 250, '2.1.5'],
  ['unknown, observed', 'nobody@watched.example', stranger, 250, '2.1.5'],
  ['unknown, shared, closed to strangers', 'nobody@closed.example', stranger, 550, '5.7.1'],
  ['the same for who may relay', 'nobody@closed.example', relaying, 250, '2.1.5'],
  ['unknown, shared, from its smart host', 'nobody@example.com', unixAddress, 550, '5.1.1'],
  ['a contact from that smart host', 'chain@example.com', unixAddress, 250, '2.1.5'],
  ['a relay domain', 'who@partner.example', stranger, 250, '2.1.5'],
  ['a relay domain, from its smart host', 'who@partner.example', partnerAddress, 550, '5.1.1'],
  ['two objects', 'twin@example.com', stranger, 450, '4.1.4'],
  ['postmaster of an accepted domain', 'Postmaster@example.com', stranger, 250, '2.1.5'],
  ['postmaster of an authoritative domain', 'postmaster@example.local', stranger, 250, '2.1.5'],
  ['the bare postmaster', 'postmaster', stranger, 250, '2.1.5'],
  ['postmaster of another domain', 'postmaster@foreign.example', stranger, 550, '5.7.1'],
]

export const plugins = [
  'relay',
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
]
const relay = { 'relay.ini': '[relay]\nacl=true\n', relay_acl_allow: `${relaying}/32\n` }

/** The files of `config/`. */
export function decisionConfig(unixSmartHost: string): Record<string, string> {
  return {
    ...relay,
    'accepted-domains.ini': domains,
    'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = lmtp://[127.0.0.4]:24\n`,
    'contacts.csv': contacts,
    'connectors.ini': `
[unix]
address_spaces = example.com, watched.example
smart_hosts = ${unixSmartHost}
allow_relay = true
[remote]
address_spaces = remote.domain
smart_hosts = [127.0.0.3]:2525
allow_relay = true
[partner]
address_spaces = partner.example
smart_hosts = [${partnerAddress}]:2525
allow_relay = true
[closed]
address_spaces = closed.example
smart_hosts = [127.0.0.6]:2525
`,
  }
}

/** A directory that does not answer: the file knows Anna, for all others it would have to be asked. */
export const silentConfig: Record<string, string> = {
  ...relay,
  'accepted-domains.ini': domains,
  'directory.ini': `
[corp]
url = file:contacts.csv
[down]
url = ldap://127.0.0.1:1
base_dn = DC=example
timeout = 1
`,
  'contacts.csv': contacts,
  'connectors.ini': `
[all]
address_spaces = example.com, watched.example, remote.domain, partner.example, closed.example
smart_hosts = [127.0.0.2]:2525
allow_relay = true
`,
}

export const silentRows: Row[] = [
  ['known to the first directory', 'anna@example.com', stranger, 250, '2.1.5'],
  ['unknown to it, shared', 'nobody@example.com', stranger, 450, '4.4.3'],
  ['unknown to it, authoritative', 'nobody@example.local', stranger, 450, '4.4.3'],
  ['a relay domain', 'who@partner.example', stranger, 250, '2.1.5'],
  ['postmaster', 'postmaster@example.com', stranger, 450, '4.4.3'],
  ['the bare postmaster', 'postmaster', stranger, 250, '2.1.5'],
  ['a foreign domain', 'who@foreign.example', stranger, 550, '5.7.1'],
]

/** A fault that shows at run time: contacts that lead on, and nobody to follow them. */
export const faultyPlugins = plugins.filter((line) => line !== 'address-space/contacts')

export const faultyRows: Row[] = [
  ['a contact that nobody follows', 'internetuser@xo.one', stranger, 450, '4.3.5'],
  ['a mailbox', 'anna@example.com', stranger, 250, '2.1.5'],
]
