/**
 * Users of one directory on several hosts, as Sendmail's LDAP routing tells them, over SMTP: each
 * host a place of its own, a connector for some, and a host that nobody listed is never reached.
 */
import assert from 'node:assert/strict'

import { Catcher, send, startGateway, type GatewayProcess } from '../harness/haraka.js'

const person = (name: string, lines: readonly string[]): string =>
  [
    `dn: cn=${name},dc=example`,
    'objectClass: inetLocalMailRecipient',
    `mailLocalAddress: ${name}@example.com`,
    ...lines,
    '',
    '',
  ].join('\n')

const people = [
  person('one', []),
  person('two', ['mailHost: mail2.example.com']),
  person('three', ['mailHost: MAIL3.example.com']),
  person('here', ['mailHost: gateway.example.com']),
  person('stray', ['mailHost: 127.0.0.6']),
  person('led', ['mailRoutingAddress: led@remote.domain']),
  person('moved', ['mailRoutingAddress: moved@remote.domain', 'mailHost: mail2.example.com']),
].join('')

describe('mailboxes on several hosts', function () {
  this.timeout(60_000)
  const catchers: Record<'own' | 'mail2' | 'mail3' | 'remote' | 'stray', Catcher> = {} as never
  let gateway: GatewayProcess

  before(async () => {
    catchers.own = await Catcher.start({ host: '127.0.0.2', protocol: 'lmtp' })
    catchers.mail2 = await Catcher.start({ host: '127.0.0.3', protocol: 'lmtp' })
    catchers.mail3 = await Catcher.start({ host: '127.0.0.4' })
    catchers.remote = await Catcher.start({ host: '127.0.0.5' })
    catchers.stray = await Catcher.start({ host: '127.0.0.6' })
    gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      config: {
        'accepted-domains.ini': 'authoritative = example.com\npostmaster = one@example.com\n',
        'people.ldif': people,
        'directory.ini': [
          '[corp]',
          'url = file:people.ldif',
          'schema = sendmail',
          `mailbox_host = ${catchers.own.smartHost}`,
          '[corp hosts]',
          `mail2.example.com = ${catchers.mail2.smartHost}`,
          'mail3.example.com = third',
          'gateway.example.com = local',
          '',
        ].join('\n'),
        'connectors.ini': [
          '[third]',
          `smart_hosts = ${catchers.mail3.smartHost}`,
          '[remote]',
          'address_spaces = remote.domain',
          `smart_hosts = ${catchers.remote.smartHost}`,
          'allow_relay = true',
          '',
        ].join('\n'),
      },
    })
  })
  after(async () => {
    await gateway.stop()
    for (const catcher of Object.values(catchers)) await catcher.stop()
  })

  it('takes each recipient to the host of the mailbox, and none to a host that is not listed', async () => {
    const names = ['one', 'two', 'three', 'here', 'led', 'moved', 'stray', 'nobody']
    const to = names.map((name) => `${name}@example.com`)
    const { rcpt, data } = await send(gateway, { from: 'sender@client.example', to })
    assert.deepEqual(
      rcpt.map(({ code }) => code),
      [250, 250, 250, 250, 250, 250, 450, 550],
    )
    assert.match(rcpt[6]?.text ?? '', /4\.3\.5/u)
    assert.equal(data?.code, 250)

    const expected = {
      own: ['here@example.com', 'one@example.com'],
      mail2: ['moved@remote.domain', 'two@example.com'],
      mail3: ['three@example.com'],
      remote: ['led@remote.domain'],
    }
    for (const [name, recipients] of Object.entries(expected)) {
      const catcher = catchers[name as keyof typeof expected]
      const [message] = await catcher.waitFor(1)
      assert.deepEqual([...(message?.to ?? [])].sort(), recipients, name)
    }
    assert.equal(catchers.stray.messages.length, 0)
    await gateway.waitForLog(/mailbox-host:corp\/mail2\.example\.com delivered/u)
    await gateway.waitForLog(/on host 127\.0\.0\.6, which \[corp hosts\] does not list/u)
  })
})
