/** A gateway that shares domains with other systems and asks them about recipients. */
import { SmtpClient, startGateway, type GatewayProcess, type Reply } from '../../harness/haraka.js'

/** A connector for each: its domain is `<name>.example`. */
export type SmartHosts = Readonly<Record<string, string>>

export function connectorsIni(hosts: SmartHosts): string {
  return Object.entries(hosts)
    .map(
      ([name, host]) => `[${name}]
address_spaces = ${name}.example
smart_hosts = ${host}
allow_relay = true
tls = none
verify_recipients = true
`,
    )
    .join('\n')
}

export function startVerifyingGateway(hosts: SmartHosts): Promise<GatewayProcess> {
  const domains = Object.keys(hosts).map((name) => `${name}.example`)
  return startGateway({
    plugins: [
      'address-space/accepted-domains',
      'address-space/contacts',
      'address-space/connectors',
    ],
    logLevel: 'info',
    config: {
      'accepted-domains.ini': `shared = ${domains.join(', ')}\npostmaster = admin@${domains[0]}\n[harvesting]\ndelay = 0\nreject_after = 0\n`,
      'directory.ini': '[corp]\nurl = file:contacts.csv\nmailbox_host = lmtp://[127.0.0.9]:24\n',
      'contacts.csv': `dn,objectClass,proxyAddresses\ncn=Admin,user,SMTP:admin@${domains[0]}\n`,
      'connectors.ini': connectorsIni(hosts),
    },
  })
}

export interface Heard {
  readonly reply: Reply
  /** milliseconds */
  readonly took: number
}

/** What a client hears at RCPT of each recipient, in one transaction that ends without a message. */
export async function askGateway(
  gateway: GatewayProcess,
  recipients: readonly string[],
): Promise<Heard[]> {
  const client = await SmtpClient.connect(gateway)
  try {
    await client.command('EHLO client.example')
    await client.command('MAIL FROM:<sender@client.example>')
    const heard: Heard[] = []
    for (const recipient of recipients) {
      const started = performance.now()
      const reply = await client.command(`RCPT TO:<${recipient}>`)
      heard.push({ reply, took: performance.now() - started })
    }
    return heard
  } finally {
    await client.quit()
  }
}

/** The codes that a client hears. */
export async function codesOf(
  gateway: GatewayProcess,
  recipients: readonly string[],
): Promise<string[]> {
  const heard = await askGateway(gateway, recipients)
  return heard.map(({ reply }) => `${reply.code} ${reply.enhanced}`)
}
