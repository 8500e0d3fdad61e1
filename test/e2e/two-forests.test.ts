/**
 * Two forests over SMTP with real Haraka and a real LDAP server: contacts that synchronisation writes, with
 * the target among their own addresses; objects with `mail` only; spellings that only look alike.
 */
import assert from 'node:assert/strict'

import { Slapd } from '../../scripts/servers/slapd.js'
import { Catcher, SmtpClient, send, startGateway, type GatewayProcess } from '../harness/haraka.js'
import { describeWithServers } from '../servers.js'

describeWithServers(['slapd'], 'two forests over SMTP', function () {
  this.timeout(60_000)

  let slapd: Slapd
  let first: Catcher
  let second: Catcher
  let gateway: GatewayProcess

  before(async () => {
    slapd = await Slapd.start()
    const user = (name: string, ...lines: string[]): string =>
      [
        `dn: cn=${name},${slapd.baseDn}`,
        'objectClass: user',
        'objectClass: mailRecipient',
        `cn: ${name}`,
        ...lines,
        '',
      ].join('\n')
    await slapd.add(
      [
        user('Sven', 'proxyAddresses: SMTP:sven@b.test', 'proxyAddresses: smtp:sven@corp.test'),
        user('Mia', 'mail: mia@corp.test'),
        user('Anke', 'proxyAddresses: SMTP:anke@corp.test'),
        user('Grün', 'proxyAddresses: SMTP:grün@corp.test')
          .replace(
            'proxyAddresses: SMTP:grün@corp.test',
            `proxyAddresses:: ${Buffer.from('SMTP:grün@corp.test').toString('base64')}`,
          )
          .replace('cn=Grün', 'cn=Gruen')
          .replace('cn: Grün', 'cn: Gruen'),
      ].join('\n'),
    )
    first = await Catcher.start({ host: '127.0.0.2', protocol: 'lmtp' })
    second = await Catcher.start({ host: '127.0.0.3', protocol: 'lmtp' })
    gateway = await startGateway({
      plugins: ['accepted-domains', 'contacts', 'connectors'].map(
        (part) => `address-space/${part}`,
      ),
      config: {
        'accepted-domains.ini': 'authoritative = corp.test, b.test\npostmaster = anna@corp.test\n',
        'directory.ini': `
[one]
url = file:one.csv
mailbox_host = ${first.smartHost}
[two]
url = ${slapd.url}
base_dn = ${slapd.baseDn}
bind_dn = ${slapd.bindDn}
bind_password = ${slapd.password}
mailbox_host = ${second.smartHost}
`,
        'one.csv': `objectClass,dn,proxyAddresses,targetAddress
user,"CN=Anna,DC=one",SMTP:anna@corp.test,
contact,"CN=Sven,DC=one",SMTP:sven@b.test;smtp:sven@corp.test,SMTP:sven@b.test
`,
      },
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all([first?.stop(), second?.stop(), slapd?.remove()])
  })

  for (const address of ['sven@corp.test', 'sven@b.test']) {
    it(`${address}: a contact in the first, a mailbox in the second: there it arrives`, async () => {
      second.reset()
      const { rcpt, data } = await send(gateway, { from: 'a@client.example', to: [address] })
      assert.deepEqual([rcpt[0]?.code, data?.code], [250, 250], rcpt[0]?.text)
      const [message] = await second.waitFor(1)
      assert.equal(message?.to.length, 1)
      assert.deepEqual(first.messages, [])
    })
  }

  it('an object with `mail` only is found', async () => {
    const { rcpt } = await send(gateway, { from: 'a@client.example', to: ['mia@corp.test'] })
    assert.equal(rcpt[0]?.code, 250, rcpt[0]?.text)
  })

  it('asking for a spelling that only looks alike makes nobody unknown', async () => {
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    await client.mail('a@client.example', 'SMTPUTF8')
    // the sign of the unit kelvin in place of k; a letter and its accent apart
    const alike = [
      await client.rcpt('an\u212ae@corp.test'),
      await client.rcpt('gru\u0308n@corp.test'),
    ]
    const real = [await client.rcpt('anke@corp.test'), await client.rcpt('gr\u00fcn@corp.test')]
    const nobody = await client.rcpt('nobody@corp.test')
    await client.quit()
    assert.deepEqual(
      real.map(({ code }) => code),
      [250, 250],
    )
    assert.deepEqual(
      alike.map(({ code }) => code),
      [250, 250],
    )
    assert.equal(nobody.code, 550)
  })
})
