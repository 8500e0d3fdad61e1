/** The article's example: its contact in an Active Directory is redirected to the other system. */
import assert from 'node:assert/strict'

import { readCsvde } from '../../plugins/directory/csvde.js'
import { Samba } from '../../scripts/servers/samba.js'
import { send } from '../harness/haraka.js'
import { describeWithServers } from '../servers.js'
import { startDirectoryGateway, type DirectoryGateway } from './directory-gateway.js'

const article = `objectClass,dn,name,cn,sn,givenName,displayName,proxyAddresses,targetAddress,mail,mailnickname
contact,"cn=Internet User,ou=internet users,dc=xo,dc=one",Internet User,Internet User,User,Internet,Internet User,SMTP:internetUser@remote.domain; smtp:internetuser@xo.one,SMTP:internetUser@remote.domain,internetUser@remote.domain,internetuser
`

async function asLdif(csvde: string): Promise<string> {
  const records: string[] = []
  for await (const rows of readCsvde([csvde])) {
    for (const row of rows) {
      assert(row.kind === 'record')
      const lines = [...row.attributes].flatMap(([name, values]) =>
        values.map((value) => `${name}: ${value}`),
      )
      records.push([`dn: ${row.dn}`, ...lines].join('\n'))
    }
  }
  return records.join('\n\n')
}

describeWithServers(['samba', 'slapd'], 'Active Directory over SMTP', function () {
  this.timeout(60_000)
  let samba: Samba
  const mails: DirectoryGateway[] = []

  before(async () => {
    samba = await Samba.start('xo.one')
    await samba.add('dn: ou=internet users,dc=xo,dc=one\nobjectClass: organizationalUnit\n')
    await samba.add(await asLdif(article))
  })
  after(async () => {
    for (const mail of mails) await mail.stop()
    await samba.remove()
  })

  for (const port of [389, 3268]) {
    it(`redirects the article's contact, asked on port ${port}`, async () => {
      const mail = await startDirectoryGateway(
        [
          '[ad]',
          `url = ldap://${samba.host}:${port}`,
          `base_dn = ${samba.baseDn}`,
          `bind_dn = ${samba.bindDn}`,
          `bind_password = ${samba.password}`,
        ],
        5000,
      )
      mails.push(mail)
      const to = ['internetuser@xo.one', 'nobody@xo.one']
      const { rcpt, data } = await send(mail.gateway, { from: 'sender@client.example', to })
      assert.deepEqual(
        rcpt.map((reply) => reply.code),
        [250, 550],
      )
      assert.equal(data?.code, 250)
      const [message] = await mail.remote.waitFor(1)
      assert.deepEqual(message?.to, ['internetUser@remote.domain'])
    })
  }
})
