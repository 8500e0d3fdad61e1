/**
 * Samba as a test server: an Active Directory domain controller with the attributes that Exchange
 * adds for mail. Its ports are fixed (LDAP 389 and 636, global catalog 3268 and 3269), so each one
 * started has a loopback address of its own; its data is in a temporary folder.
 */
import { randomInt } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { makeCertificates, type Certificates } from './certificates.js'
import { run, ServerProcess, temporaryFolder } from './process.js'
import { TestServer } from './test-server.js'

/** CN, lDAPDisplayName and OID of what the Exchange schema adds */
const exchangeAttributes = [
  ['ms-Exch-Target-Address', 'targetAddress', '1.2.840.113556.1.2.352'],
  ['ms-Exch-Mail-Nickname', 'mailNickname', '1.2.840.113556.1.2.447'],
] as const

export class Samba extends TestServer {
  readonly baseDn: string
  readonly bindDn: string
  readonly password = 'Passw0rd of a test'
  /** 127.x.y.z */
  readonly host: string
  readonly certificates: Certificates

  private readonly realm: string

  private constructor(folder: string, realm: string, host: string, certificates: Certificates) {
    super(folder)
    this.realm = realm
    this.baseDn = realm.replace(/(^|\.)/gu, (dot) => `${dot && ','}DC=`)
    this.bindDn = `CN=Administrator,CN=Users,${this.baseDn}`
    this.host = host
    this.certificates = certificates
  }

  /** `realm`: the domain's DNS name; its first label is the NetBIOS name */
  static async start(realm = 'corp.example'): Promise<Samba> {
    const folder = temporaryFolder('samba')
    const host = `127.${randomInt(64, 128)}.${randomInt(256)}.${randomInt(1, 255)}`
    const certificates = await makeCertificates(folder, [`IP:${host}`])
    chmodSync(certificates.key, 0o600)
    const samba = new Samba(folder, realm, host, certificates)
    await samba.provision()
    await samba.extendSchema()
    await samba.restart()
    return samba
  }

  protected launch(): ServerProcess {
    const options = ['-s', this.configFile, '--interactive', '--model=single']
    return new ServerProcess('/usr/sbin/samba', options)
  }

  protected async ready(process: ServerProcess): Promise<void> {
    await process.listening(389, this.host)
    await process.listening(3269, this.host)
  }

  /** Adds the records of an LDIF text, as `ldifde -i` does. */
  async add(ldif: string): Promise<void> {
    const bind = ['-x', '-D', this.bindDn, '-w', this.password, '-H', `ldap://${this.host}`]
    await run('ldapadd', bind, { input: ldif })
  }

  /** Changes objects as an LDIF text with changetypes says. */
  async modify(ldif: string): Promise<void> {
    const bind = ['-x', '-D', this.bindDn, '-w', this.password, '-H', `ldap://${this.host}`]
    await run('ldapmodify', bind, { input: ldif })
  }

  private get configFile(): string {
    return join(this.folder, 'etc', 'smb.conf')
  }

  private async provision(): Promise<void> {
    await run('samba-tool', [
      'domain',
      'provision',
      `--realm=${this.realm.toUpperCase()}`,
      `--domain=${this.realm.split('.')[0]?.toUpperCase() ?? ''}`,
      '--server-role=dc',
      '--dns-backend=NONE',
      '--host-name=dc1',
      `--host-ip=${this.host}`,
      `--adminpass=${this.password}`,
      `--targetdir=${this.folder}`,
      `--option=posix:eadb=${join(this.folder, 'eadb.tdb')}`,
      // with the mask of the loopback interface Samba takes any address of it
      `--option=interfaces=${this.host}/8`,
      '--option=bind interfaces only=yes',
    ])
    const replaced = /^\t(?:server services|log file|panic action)\b.*\n/gmu
    const settings = [
      'server services = ldap',
      'ldap server require strong auth = no',
      `log file = ${join(this.folder, 'log')}`,
      `pid directory = ${this.folder}`,
      `ncalrpc dir = ${join(this.folder, 'ncalrpc')}`,
      `tls keyfile = ${this.certificates.key}`,
      `tls certfile = ${this.certificates.certificate}`,
      `tls cafile = ${this.certificates.ca}`,
    ]
    const written = readFileSync(this.configFile, 'utf8').replace(replaced, '')
    const added = settings.map((line) => `\t${line}\n`).join('')
    writeFileSync(this.configFile, written.replace('[global]\n', `[global]\n${added}`))
  }

  private async extendSchema(): Promise<void> {
    const schema = `CN=Schema,CN=Configuration,${this.baseDn}`
    const attributes = exchangeAttributes.map(([cn, name, oid]) =>
      [
        `dn: CN=${cn},${schema}`,
        'objectClass: attributeSchema',
        `attributeID: ${oid}`,
        'attributeSyntax: 2.5.5.12',
        'oMSyntax: 64',
        'isSingleValued: TRUE',
        `lDAPDisplayName: ${name}`,
        'searchFlags: 1',
        // in the global catalog, as the Exchange schema has it
        'isMemberOfPartialAttributeSet: TRUE',
      ].join('\n'),
    )
    await this.edit('ldbadd', attributes.join('\n\n'))
    await this.edit(
      'ldbmodify',
      [
        `dn: CN=Mail-Recipient,${schema}`,
        'changetype: modify',
        'add: mayContain',
        ...exchangeAttributes.map(([, name]) => `mayContain: ${name}`),
      ].join('\n'),
    )
  }

  /** Edits the database of the stopped server. */
  private async edit(program: 'ldbadd' | 'ldbmodify', ldif: string): Promise<void> {
    const file = join(this.folder, 'edit.ldif')
    writeFileSync(file, `${ldif}\n`)
    const database = ['-H', join(this.folder, 'private', 'sam.ldb')]
    const options = [`--configfile=${this.configFile}`, '--option=dsdb:schema update allowed=true']
    await run(program, [...database, ...options, file])
  }
}
