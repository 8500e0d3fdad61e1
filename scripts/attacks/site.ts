/**
 * Where the attacks are tried: a gateway of the pack with two systems behind it, and Postfix in the same place
 * with the same systems. Everything is on loopback; what arrives behind them is kept.
 */
import { Catcher, startGateway, type GatewayProcess } from '../../test/harness/haraka.js'
import { FaultServer } from '../../test/harness/fault-server.js'
import { Postfix } from '../servers/postfix.js'
import { mark, type Target } from './table.js'

const mailbox = 'anna@example.com'
const shared = 'example.com'
const authoritative = 'example.local'

/** Contacts of a directory that somebody has taken over, or that is only wrong. */
export const badTargets: Readonly<Record<string, string>> = {
  self: 'SMTP:self@example.com',
  circle: 'SMTP:circle2@example.com',
  circle2: 'SMTP:circle@example.com',
  literal: `SMTP:${mark}@[127.0.0.66]`,
  gateway: `SMTP:${mark}@gateway.example`,
  foreign: `SMTP:${mark}@foreign.example`,
  long: `SMTP:${'x'.repeat(64_000)}@example.com`,
  lines: `"SMTP:${mark}@example.com\r\nRCPT TO:<${mark}@foreign.example>"`,
  percent: `SMTP:${mark}%foreign.example@gone.example`,
  brackets: `SMTP:${mark}@example.com> RCPT TO:<x@foreign.example`,
}

export class Site {
  readonly target: Target
  readonly gateway: GatewayProcess
  /** where the unknown recipients of the shared domain go, and the mailboxes */
  readonly unix: FaultServer
  readonly boxes: Catcher

  private constructor(gateway: GatewayProcess, unix: FaultServer, boxes: Catcher) {
    this.gateway = gateway
    this.unix = unix
    this.boxes = boxes
    this.target = { host: gateway.host, port: gateway.port, mailbox, shared, authoritative }
  }

  static async start(
    more: { readonly delay?: number; readonly logLevel?: 'notice' } = {},
  ): Promise<Site> {
    const unix = await FaultServer.start({
      host: '127.0.0.2',
      script: {
        rcpt: (address) => (/nobody-/u.test(address) ? '550 5.1.1 no such user' : undefined),
      },
    })
    const boxes = await Catcher.start({ host: '127.0.0.4', protocol: 'lmtp' })
    const rows = Object.entries(badTargets).map(
      ([name, target]) => `"CN=${name}",contact,smtp:${name}@example.com,${target}`,
    )
    const gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      ...(more.logLevel && { logLevel: more.logLevel }),
      config: {
        'accepted-domains.ini': `authoritative = ${authoritative}
shared = ${shared}
observe = *.observed.example
postmaster = ${mailbox}
recipient_delimiter = +
[harvesting]
delay = ${more.delay ?? 0.05}
`,
        'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${boxes.smartHost}\n`,
        'contacts.csv': `dn,objectClass,proxyAddresses,targetAddress
"CN=Anna",user,SMTP:${mailbox},
${rows.join('\n')}
`,
        'connectors.ini': `[unix]
address_spaces = ${shared}, *.observed.example
smart_hosts = ${unix.smartHost}
allow_relay = true
`,
      },
    })
    return new Site(gateway, unix, boxes)
  }

  /** Recipients and senders that arrived behind the gateway and name the victim. */
  get victims(): string[] {
    return [...this.unix.messages, ...this.boxes.messages]
      .flatMap(({ from, to }) => [from, ...to])
      .filter((address) => address.includes(mark))
  }

  async stop(): Promise<void> {
    await this.gateway.stop()
    await this.unix.stop()
    await this.boxes.stop()
  }
}

/** Postfix with its defaults in the gateway's place: the domains, the mailbox and the systems are the same. */
export async function postfixBeside({
  unix,
  boxes,
}: Site): Promise<{ target: Target; postfix: Postfix }> {
  const postfix = await Postfix.start({
    host: '127.0.0.21',
    main: {
      mynetworks: '127.0.0.99/32',
      recipient_delimiter: '+',
      relay_domains: `${shared}, ${authoritative}`,
      relay_recipient_maps: `inline:{${mailbox}=ok @${shared}=ok}`,
      transport_maps: `inline:{${mailbox}=lmtp:${boxes.smartHost.replace('lmtp://', 'inet:').replace('[', '').replace(']', '')} ${shared}=smtp:${unix.smartHost} ${authoritative}=smtp:${unix.smartHost}}`,
    },
  })
  const { host, port } = postfix
  return { target: { host, port, mailbox, shared, authoritative }, postfix }
}
