/**
 * What each alert of contrib/ is about, brought about on a running gateway, and mended: a host that is
 * down, a directory that cannot answer, a disk, a certificate, a journal that cannot be written.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { run } from '../../../scripts/servers/process.js'
import { Slapd } from '../../../scripts/servers/slapd.js'
import { runCommand } from '../../cli/command.js'
import { Catcher, SmtpClient, send } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { writeEntry } from '../../operations/queue-folder.js'
import { makeSite, startSite, workersOf, type Site } from './site.js'

export interface Cause {
  readonly alert: string
  /** of the series that has to fire, as in a query */
  readonly labels?: string
  readonly bring: () => Promise<void> | void
  readonly mend: () => Promise<void> | void
  /** what has to happen meanwhile, again and again, for the cause to show */
  readonly stir?: () => Promise<void>
  /** what shows that it is mended: a directory is known to answer when it has been asked */
  readonly prove?: () => Promise<void>
}

const hour = 3_600_000
const from = 'a@client.example'

export class AlertSite {
  readonly unix: Catcher
  readonly away: Catcher
  readonly slapd: Slapd
  readonly site: Site

  private constructor(parts: Pick<AlertSite, 'unix' | 'away' | 'slapd' | 'site'>) {
    this.unix = parts.unix
    this.away = parts.away
    this.slapd = parts.slapd
    this.site = parts.site
  }

  static async start(): Promise<AlertSite> {
    const [unix, away, slapd] = await Promise.all([
      Catcher.start({ host: '127.0.0.2' }),
      Catcher.start({ host: '127.0.0.3' }),
      Slapd.start(),
    ])
    // a directory without a single address is not believed
    const known = ['objectClass: user', 'proxyAddresses: SMTP:known@example.local']
    await slapd.add([`dn: CN=Known,${slapd.baseDn}`, ...known, '', ''].join('\n'))
    const connector = (name: string, domains: string, hosts: string, more = ''): string =>
      `[${name}]\naddress_spaces = ${domains}\nsmart_hosts = ${hosts}\nallow_relay = true\n${more}`
    const site = await makeSite(unix, {
      nodes: 2,
      config: {
        'accepted-domains.ini':
          'authoritative = example.local\nshared = example.com\nrelay = away.example, plain.example\n' +
          'postmaster = anna@example.local\n',
        'directory.ini':
          `[corp]\nurl = file:contacts.csv\nmailbox_host = ${unix.smartHost}\n` +
          `[ldap]\nurl = ${slapd.url}\nbase_dn = ${slapd.baseDn}\nbind_dn = ${slapd.bindDn}\n` +
          `bind_password_file = ldap.password\nstart_tls = false\nmailbox_host = ${unix.smartHost}\n`,
        'connectors.ini':
          connector('unix', 'example.com, plain.example', unix.smartHost) +
          connector('away', 'away.example', away.smartHost, 'warn_after = 0\n') +
          connector(
            'cloud',
            'cloud.example',
            unix.smartHost,
            'tls_cert_file = cloud.pem\ntls_key_file = cloud.key\n',
          ),
      },
    })
    const own = new AlertSite({ unix, away, slapd, site })
    const secret = own.config('ldap.password')
    writeFileSync(secret, `${slapd.password}\n`, { mode: 0o600 })
    await own.makeCertificate(365)
    await startSite(site)
    return own
  }

  async stop(): Promise<void> {
    await this.site.gateway.stop()
    await Promise.all([this.unix.stop(), this.away.stop(), this.slapd.remove()])
  }

  config(name: string): string {
    return join(this.site.gateway.configDir, name)
  }

  /** A client; `undefined`: it was deferred or refused, which is no matter here. */
  async mail(to: string, data?: Buffer): Promise<void> {
    const message = { from, to: [to], localAddress: '127.0.0.9', ...(data && { data }) }
    await send(this.site.gateway, message)
  }

  /** Asks for a recipient without sending anything. */
  async ask(to: string): Promise<void> {
    const client = await SmtpClient.connect(this.site.gateway)
    try {
      await client.ehlo()
      await client.mail(from)
      await client.rcpt(to)
    } finally {
      await client.quit()
    }
  }

  async command(...args: string[]): Promise<void> {
    const { code, stdout, stderr } = await runCommand([...args, '-c', this.site.gateway.dir])
    if (code !== 0) throw new Error(`address-space ${args.join(' ')}: ${stdout}${stderr}`)
  }

  async makeCertificate(days: number): Promise<void> {
    const made = tempDir('certificate')
    const file = (name: string): string => join(made, name)
    const subject = ['-subj', '/CN=gateway.example', '-days', String(days)]
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const out = ['-keyout', file('key'), '-out', file('pem')]
    await run('openssl', ['req', '-x509', ...key, ...subject, ...out])
    writeFileSync(this.config('cloud.key'), readFileSync(file('key')), { mode: 0o600 })
    writeFileSync(this.config('cloud.pem'), readFileSync(file('pem')))
  }

  /** Changes a file of the configuration and waits until that is in force, or refused. */
  async change(name: string, text: string, told: RegExp): Promise<void> {
    const { gateway } = this.site
    const at = gateway.logLines.length
    await gateway.writeConfig(name, text)
    await gateway.waitForLog(told, 30_000, at)
  }
}

const inForce = /the configuration was read again and is in force/u
const notInForce = /the last good configuration stays in force/u

/** In the order in which they are brought about: a disk's floor is read before a change is refused. */
export function alertCauses(own: AlertSite): Cause[] {
  const { site, unix, away } = own
  const { dir } = site.gateway
  const before = new Map<string, string>()
  const remember = (name: string): string => {
    const text = readFileSync(own.config(name), 'utf8')
    before.set(name, text)
    return text
  }
  return [
    {
      alert: 'LoopRefused',
      async bring() {
        unix.reset()
        await own.mail('nobody@example.com')
        await unix.waitFor(1)
      },
      // what the other system sends back, until it is mended
      stir: () => own.mail('nobody@example.com', unix.messages[0]?.raw),
      mend: () => undefined,
    },
    {
      alert: 'HostLeftAlone',
      labels: 'place="connector:away"',
      bring: () => away.stop(),
      stir: () => own.mail('u@away.example'),
      mend: () => away.start(),
    },
    {
      alert: 'MailWaitsTooLong',
      labels: 'place="connector:away"',
      async bring() {
        const dead = tempDir('dead-queue')
        const since = Date.now() - 2 * hour
        const place = { kind: 'connector', connector: 'away' }
        writeEntry(dead, { uuid: 'D.1.1', since, place, recipients: ['old@away.example'] })
        await own.command('queue', 'adopt', dead)
      },
      async mend() {
        await own.command('queue', 'retry', 'away')
        await away.waitFor(1, 30_000)
      },
    },
    {
      alert: 'PausedForLong',
      labels: 'place="connector:cloud"',
      bring: () => own.command('queue', 'pause', 'cloud', '--reason', 'their move'),
      mend: () => own.command('queue', 'resume', 'cloud'),
    },
    {
      alert: 'CertificateEndsSoon',
      labels: 'where="connectors.ini [cloud] tls_cert_file"',
      bring: () => own.makeCertificate(3),
      mend: () => own.makeCertificate(365),
    },
    {
      alert: 'DirectoryStale',
      labels: 'directory="corp"',
      bring() {
        mkdirSync(own.config('away'), { recursive: true })
        renameSync(own.config('contacts.csv'), own.config('away/contacts.csv'))
      },
      mend: () => renameSync(own.config('away/contacts.csv'), own.config('contacts.csv')),
    },
    {
      alert: 'DiskNearlyFull',
      async bring() {
        // more than the floor, so that mail is taken, and less than twice the floor
        const { bavail, bsize } = statfsSync(join(dir, 'queue'))
        const floor = Math.floor((bavail * bsize * 0.7) / 1024 ** 2)
        const text = remember('connectors.ini')
        await own.change('connectors.ini', `[main]\nmin_free = ${floor}M\n${text}`, inForce)
      },
      // in force once the other file is mended, too
      mend: () => site.gateway.writeConfig('connectors.ini', before.get('connectors.ini') ?? ''),
    },
    {
      alert: 'ReloadFailed',
      async bring() {
        const text = remember('accepted-domains.ini')
        await own.change('accepted-domains.ini', `${text}sharde = x.example\n`, notInForce)
      },
      mend: () =>
        own.change('accepted-domains.ini', before.get('accepted-domains.ini') ?? '', inForce),
    },
    {
      alert: 'JournalIncomplete',
      bring() {
        renameSync(join(dir, 'journal'), join(dir, 'journal.before'))
        writeFileSync(join(dir, 'journal'), 'in the way\n')
      },
      stir: () => own.mail('u@plain.example'),
      mend() {
        rmSync(join(dir, 'journal'))
        renameSync(join(dir, 'journal.before'), join(dir, 'journal'))
      },
    },
  ]
}

/** Those in whose way the others would be: one after the other, when all else is well again. */
export function loneCauses(own: AlertSite): Cause[] {
  const { site, slapd } = own
  const signal = (name: 'STOP' | 'CONT', pid: number): void => {
    execFileSync('kill', [`-${name}`, String(pid)])
  }
  let victim = 0
  return [
    {
      alert: 'DirectoryFailing',
      labels: 'directory="ldap"',
      bring: () => slapd.stop('SIGKILL'),
      stir: () => own.ask(`u${Date.now()}@example.local`),
      mend: () => slapd.restart(),
      prove: () => own.ask(`u${Date.now()}@example.local`),
    },
    {
      alert: 'ProcessesMissing',
      bring() {
        ;[victim = 0] = workersOf(site)
        signal('STOP', victim)
      },
      mend: () => signal('CONT', victim),
    },
    {
      alert: 'GatewayDown',
      bring: () => site.gateway.kill(),
      mend: () => startSite(site),
    },
  ]
}
