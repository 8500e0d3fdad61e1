/**
 * OpenLDAP's slapd as a test server: on free ports of loopback, plain and with TLS, its data in a
 * temporary folder, with the attributes and classes of Active Directory that mail needs.
 */
import { mkdirSync, writeFileSync } from 'node:fs'

import { freePort } from '../../plugins/stage/free-port.js'
import { makeCertificates, type Certificates } from './certificates.js'
import { run, ServerProcess, temporaryFolder } from './process.js'
import { TestServer } from './test-server.js'

export interface SlapdOptions {
  /** further lines of the database's configuration, such as `limits …` */
  readonly database?: readonly string[]
  /** further global lines, such as `conn_max_pending 5` */
  readonly global?: readonly string[]
  /** one of mail-schemas.ts, loaded besides Active Directory's */
  readonly schema?: string
  /** LDIF of many entries, added before the server starts */
  readonly entries?: string
}

const schema = `
attributetype ( 1.2.840.113556.1.2.210 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.2.840.113556.1.2.352 NAME 'targetAddress' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.2.447 NAME 'mailNickname' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.3.46 NAME 'mailRecipient' SUP top AUXILIARY
  MAY ( mail $ proxyAddresses $ targetAddress $ mailNickname ) )
objectclass ( 1.2.840.113556.1.5.15 NAME 'contact' SUP top STRUCTURAL
  MUST cn MAY ( sn $ givenName $ displayName $ mail $ proxyAddresses $ targetAddress $ mailNickname ) )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top STRUCTURAL
  MUST cn MAY ( sn $ givenName $ displayName $ mail $ proxyAddresses $ targetAddress $ mailNickname ) )
`

export class Slapd extends TestServer {
  readonly baseDn = 'dc=corp,dc=example'
  readonly bindDn = 'cn=admin,dc=corp,dc=example'
  readonly password = 'the password of a test'
  readonly port: number
  readonly securePort: number
  readonly certificates: Certificates

  private constructor(folder: string, ports: [number, number], certificates: Certificates) {
    super(folder)
    ;[this.port, this.securePort] = ports
    this.certificates = certificates
  }

  /** `127.0.0.1`, as a URL without TLS */
  get url(): string {
    return `ldap://127.0.0.1:${this.port}`
  }

  /** `localhost`, as a URL with TLS */
  get secureUrl(): string {
    return `ldaps://localhost:${this.securePort}`
  }

  static async start(options: SlapdOptions = {}): Promise<Slapd> {
    const folder = temporaryFolder('slapd')
    const certificates = await makeCertificates(folder)
    const ports: [number, number] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')]
    const slapd = new Slapd(folder, ports, certificates)
    slapd.configure(options)
    const root = `dn: ${slapd.baseDn}\nobjectClass: dcObject\nobjectClass: organization\ndc: corp\no: corp\n`
    await slapd.addOffline(`${root}\n${options.entries ?? ''}`)
    await slapd.restart()
    return slapd
  }

  protected launch(): ServerProcess {
    const { port, securePort } = this
    const urls = [
      `ldap://127.0.0.1:${port}`,
      `ldaps://127.0.0.1:${securePort}`,
      `ldaps://127.0.0.2:${securePort}`,
    ]
    const config = this.file('slapd.conf')
    return new ServerProcess('/usr/sbin/slapd', ['-d', '0', '-f', config, '-h', urls.join(' ')])
  }

  protected ready(process: ServerProcess): Promise<void> {
    return process.listening(this.port)
  }

  /** Adds the records of an LDIF text while the server runs. */
  async add(ldif: string): Promise<void> {
    await this.client('ldapadd', ldif)
  }

  /** Changes entries as an LDIF text with changetypes says. */
  async modify(ldif: string): Promise<void> {
    await this.client('ldapmodify', ldif)
  }

  private async client(program: string, ldif: string): Promise<void> {
    const bind = ['-x', '-D', this.bindDn, '-w', this.password]
    await run(program, [...bind, '-H', this.url], { input: ldif })
  }

  private async addOffline(ldif: string): Promise<void> {
    await run('/usr/sbin/slapadd', ['-q', '-f', this.file('slapd.conf')], { input: ldif })
  }

  private configure({ database = [], global = [], schema: more = '' }: SlapdOptions): void {
    const data = this.file('data')
    mkdirSync(data)
    writeFileSync(this.file('mail.schema'), `${schema}${more}`)
    const lines = [
      'include /etc/ldap/schema/core.schema',
      'include /etc/ldap/schema/cosine.schema',
      'include /etc/ldap/schema/inetorgperson.schema',
      // Sendmail's LDAP routing: inetLocalMailRecipient
      'include /etc/ldap/schema/misc.schema',
      `include ${this.file('mail.schema')}`,
      'modulepath /usr/lib/ldap',
      'moduleload back_mdb',
      `pidfile ${this.file('slapd.pid')}`,
      `TLSCACertificateFile ${this.certificates.ca}`,
      `TLSCertificateFile ${this.certificates.certificate}`,
      `TLSCertificateKeyFile ${this.certificates.key}`,
      'loglevel none',
      ...global,
      'database mdb',
      `directory ${data}`,
      `suffix "${this.baseDn}"`,
      `rootdn "${this.bindDn}"`,
      `rootpw "${this.password}"`,
      'index objectClass,mail,proxyAddresses eq',
      'maxsize 268435456',
      ...database,
    ]
    writeFileSync(this.file('slapd.conf'), `${lines.join('\n')}\n`)
  }
}
