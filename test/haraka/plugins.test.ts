/** The hooks as Haraka calls them, in process: what they register, answer, rewrite and record. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Address } from '@haraka/email-address'
import fixtures, { type Plugin } from 'haraka-test-fixtures'

import { returnCodes } from '../../plugins/haraka/haraka.js'
import { tempDir } from '../harness/temp.js'

const files = {
  'accepted-domains.ini': `
authoritative = example.local
shared = example.com
observe = watched.example
postmaster = anna@example.com
`,
  'directory.ini': '[corp]\nurl = file:contacts.csv\n',
  'contacts.csv': `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna",user,smtp:anna@example.com,
"CN=Lotte",contact,smtp:lotte@example.com,SMTP:Lotte@remote.domain
"CN=Too Long",contact,smtp:long@example.com,SMTP:${'l'.repeat(70)}@remote.domain
`,
}

/** A plugin registered over the files above, sharing the server with the others given. */
function load(name: string, server: object): Plugin {
  const dir = tempDir('fixtures')
  mkdirSync(join(dir, 'config'))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, 'config', file), text)
  const plugin = fixtures.makePlugin(name, { register: false, configDir: dir })
  plugin.haraka_require = () => server
  plugin.register()
  return plugin
}

const connect = (): ReturnType<typeof fixtures.makeConnection> =>
  fixtures.makeConnection({ mailFrom: 'sender@client.example', silent: true })

describe('the hooks', () => {
  let domains: Plugin
  let contacts: Plugin

  before(() => {
    const server = { notes: {} }
    domains = load('accepted-domains', server)
    contacts = load('contacts', server)
  })
  after(() => domains.shutdown())

  async function rcpt(connection: ReturnType<typeof connect>, text: string) {
    const address = new Address(`<${text}>`)
    connection.transaction.rcpt_to.push(address)
    const { rc, msg } = await fixtures.callRcpt(domains, connection, address)
    return { address, answer: `${rc} ${msg?.reply}` }
  }

  it('are those of the manuals', () => {
    // the first of the plugins also counts the clients, and starts what the administrator has
    assert.deepEqual(domains.hooks, {
      connect_init: ['countIn'],
      disconnect: ['countOut'],
      rcpt: ['decideRecipient'],
      data: ['rewriteRecipients'],
      data_post: ['noteReceived'],
      init_master: ['startOperations'],
      init_child: ['startWorker'],
    })
    assert.deepEqual(contacts.hooks, { rcpt_ok: ['decideRecipient'], data: ['rewriteRecipients'] })
  })

  const answers: [recipient: string, answer: string][] = [
    ['anna@example.com', `${returnCodes.ok} 2.1.5 <anna@example.com> recipient ok`],
    ['nobody@example.local', `${returnCodes.deny} 5.1.1 <nobody@example.local> no such user`],
    ['who@foreign.example', `${returnCodes.deny} 5.7.1 <who@foreign.example> relaying denied`],
    [
      'long@example.com',
      `${returnCodes.denySoft} 4.3.5 <long@example.com> temporary fault of the configuration`,
    ],
  ]
  for (const [recipient, expected] of answers) {
    it(`answer ${recipient}`, async () => {
      assert.equal((await rcpt(connect(), recipient)).answer, expected)
    })
  }

  it('decide a recipient once, and rewrite it before DATA', async () => {
    const connection = connect()
    const { address } = await rcpt(connection, 'lotte@example.com')
    await rcpt(connection, 'anna@example.com')
    const again = await fixtures.callRcptOk(contacts, connection, address)
    assert.equal(again.rc, undefined)
    assert.deepEqual(connection.transaction.rcpt_to.map(String), [
      '<lotte@example.com>',
      '<anna@example.com>',
    ])

    await fixtures.callData(domains, connection)
    await fixtures.callData(contacts, connection)
    assert.deepEqual(connection.transaction.rcpt_to.map(String), [
      '<Lotte@remote.domain>',
      '<anna@example.com>',
    ])
  })

  it('record every decision in the results of the transaction', async () => {
    const connection = connect()
    await rcpt(connection, 'lotte@example.com')
    await rcpt(connection, 'nobody@watched.example')
    await rcpt(connection, 'nobody@example.local')
    assert.deepEqual(connection.transaction.results.get(domains.name)?.['decisions'], [
      {
        recipient: 'lotte@example.com',
        decision: 'contact',
        place: 'left',
        directory: 'corp',
        chain: ['lotte@example.com', 'Lotte@remote.domain'],
      },
      {
        recipient: 'nobody@watched.example',
        decision: 'shared',
        place: 'left',
        observed: 'watched.example',
      },
      {
        recipient: 'nobody@example.local',
        decision: 'unknown',
        reply: '550 5.1.1',
        detail: 'not in any directory',
      },
    ])
  })
})
