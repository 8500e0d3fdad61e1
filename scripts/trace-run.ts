/**
 * The trace run: messages of every kind go through a gateway with two processes (local, shared,
 * contact, refused, looped, bounced, deferred, adopted), and the journal must tell of each exactly what
 * the hosts saw: nothing less, nothing more.
 *
 *   npm run trace-run                   2,000 messages
 *   npm run trace-run -- --messages 200
 *
 * Prints how many of each kind were told right. Exits 1 if one was not.
 */
import { parseArgs } from 'node:util'

import { buildIfStale } from './build.js'
import { startGateway, send, type GatewayProcess } from '../test/harness/haraka.js'
import { FaultServer } from '../test/harness/fault-server.js'
import { runCommand } from '../test/cli/command.js'
import { eventually } from '../test/e2e/delivery/faults.js'
import {
  compare,
  kinds,
  type Comparison,
  type Hosts,
  type Kind,
  type Sent,
} from './trace-compare.js'

export interface TraceRunOptions {
  readonly messages: number
  readonly clients: number
  readonly progress?: (line: string) => void
}

export interface TraceRunResult extends Comparison {
  /** the install, for a look with the command */
  readonly gateway: GatewayProcess
  readonly stop: () => Promise<void>
}

const contacts = [
  'objectClass,dn,cn,proxyAddresses,targetAddress,mail,mailnickname',
  'user,"cn=Anna,dc=corp",Anna,SMTP:anna@example.com,,anna@example.com,anna',
  'contact,"cn=Lotte,dc=corp",Lotte,SMTP:lotte@remote.example;smtp:lotte@example.com,SMTP:lotte@remote.example,lotte@remote.example,lotte',
  '',
].join('\n')

const recipients: Readonly<Record<Kind, (number: number) => string>> = {
  local: () => 'anna@example.com',
  shared: (number) => `walter${number}@example.com`,
  contact: () => 'lotte@example.com',
  refused: (number) => `nobody${number}@example.local`,
  looped: (number) => `circle${number}@example.com`,
  bounced: (number) => `gone${number}@queued.example`,
  deferred: (number) => `slow${number}@queued.example`,
  adopted: (number) => `late${number}@queued.example`,
}

export async function traceRun(options: TraceRunOptions): Promise<TraceRunResult> {
  await buildIfStale()
  const { progress = () => undefined } = options
  const hosts = await startHosts()
  const gateway = await start(hosts, 2)
  const stop = async (): Promise<void> => {
    await gateway.stop()
    await Promise.all(Object.values(hosts).map((host: FaultServer) => host.stop()))
  }
  try {
    const all = Array.from({ length: options.messages }, (_, number): Sent => {
      const kind = kinds[number % kinds.length] ?? 'local'
      const messageId = `m${number}.${kind}@client.example`
      return { kind, messageId, to: recipients[kind](number) }
    })
    await adoptFirst(
      gateway,
      hosts,
      all.filter(({ kind }) => kind === 'adopted'),
    )
    progress('adopted; now the others are sent')
    await sendAll(
      gateway,
      all.filter(({ kind }) => kind !== 'adopted'),
      options.clients,
    )
    progress('sent; the queue drains')
    await eventually(async () => {
      const left = (await gateway.queue()).length
      return left === 0 ? undefined : `${left} in the queue`
    }, 300_000)
    await gateway.stop()
    progress('compared with what the hosts saw')
    return { ...(await compare(gateway.dir, hosts, all)), gateway, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startHosts(): Promise<Hosts> {
  const host = (last: number, options: Parameters<typeof FaultServer.start>[0] = {}) =>
    FaultServer.start({ host: `127.0.0.${last}`, ...options })
  const queued = {
    script: {
      rcpt: (address: string) =>
        address.includes('gone') ? '550 5.1.1 no such user here' : undefined,
    },
    limits: { greylist: 300 },
  }
  return {
    mailboxes: await host(2, { lmtp: true }),
    unix: await host(3),
    remote: await host(4),
    queued: await host(5, queued),
    sender: await host(6),
  }
}

function start(hosts: Hosts, nodes: number): Promise<GatewayProcess> {
  const connector = (name: string, spaces: string, host: FaultServer, more = ''): string =>
    `[${name}]\naddress_spaces = ${spaces}\nsmart_hosts = ${host.smartHost}\nallow_relay = true\nretry = 1s\n${more}`
  return startGateway({
    plugins: [
      'address-space/accepted-domains',
      'address-space/contacts',
      'address-space/connectors',
    ],
    nodes,
    logLevel: 'notice',
    config: {
      'accepted-domains.ini': [
        'authoritative = example.local',
        'shared = example.com',
        'relay[] = queued.example',
        'relay[] = sender.example',
        'postmaster = anna@example.com',
        '',
      ].join('\n'),
      'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${hosts.mailboxes.smartHost}\n`,
      'contacts.csv': contacts,
      'connectors.ini': [
        '[main]\nmax_hops = 5',
        connector('unix', 'example.com', hosts.unix),
        connector('remote', 'remote.example', hosts.remote),
        connector('queued', 'queued.example', hosts.queued, 'delivery = queue\n'),
        connector('sender', 'sender.example', hosts.sender),
        '',
      ].join('\n'),
      'address-space.ini': '[journal]\n',
      'outbound.ini': 'temp_fail_intervals=5s*1000\nconcurrency_max=100\n',
    },
  })
}

/** A second gateway takes them, is killed before it delivers, and the first one adopts its queue. */
async function adoptFirst(
  gateway: GatewayProcess,
  hosts: Hosts,
  messages: readonly Sent[],
): Promise<void> {
  const dead = await start(hosts, 0)
  try {
    const pause = ['queue', 'pause', 'queued', '--reason', 'before its end', '-c', dead.dir]
    const { code, stderr } = await runCommand(pause)
    if (code !== 0) throw new Error(stderr)
    await sendAll(dead, messages, 10)
    await dead.kill()
    const adopt = await runCommand(['queue', 'adopt', dead.dir, '-c', gateway.dir])
    if (adopt.code !== 0) throw new Error(adopt.stderr)
  } finally {
    await dead.stop()
  }
}

async function sendAll(
  gateway: GatewayProcess,
  messages: readonly Sent[],
  clients: number,
): Promise<void> {
  const waiting = [...messages]
  const client = async (): Promise<void> => {
    for (let one = waiting.pop(); one; one = waiting.pop()) {
      const hops = 'Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n'
      const data = `${one.kind === 'looped' ? hops.repeat(7) : ''}Message-ID: <${one.messageId}>\r\n\r\nbody\r\n`
      await send(gateway, { from: 'a@sender.example', to: [one.to], data })
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
}

export function formatTraceRun({ right, wrong }: TraceRunResult): string {
  const each = kinds.map((kind) => `${kind} ${right[kind]}`).join(', ')
  return `told right: ${each}; told wrong: ${wrong.length}`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '2000' },
      clients: { type: 'string', default: '10' },
    },
  })
  const result = await traceRun({
    messages: Number(values.messages),
    clients: Number(values.clients),
    progress: (line) => console.log(line),
  })
  await result.stop()
  console.log(formatTraceRun(result))
  for (const line of result.wrong.slice(0, 20)) console.log(line)
  if (result.wrong.length > 0) process.exitCode = 1
}

if (require.main === module) void main()
