/**
 * The gateways that are compared, each with its own defaults: the pack in one process and in two, and
 * Postfix. They take mail for the same domains and hand it to hosts that behave alike.
 */
import { HarakaProcess } from '../bench/haraka-process.js'
import { Postfix } from '../servers/postfix.js'

export const gatewayNames = ['pack', 'pack, nodes=2', 'Postfix'] as const
export type GatewayName = (typeof gatewayNames)[number]

/** A domain, and the host that takes its mail. */
export interface Way {
  readonly domain: string
  /** as in connectors.ini */
  readonly smartHost: string
  /** by way of the queue, instead of while the client waits */
  readonly queued?: boolean
}

export interface Gateway {
  readonly name: GatewayName
  readonly host: string
  readonly port: number
  /** messages in its queue */
  queued(): Promise<number>
  stop(): Promise<void>
}

export async function startGateway(name: GatewayName, ways: readonly Way[]): Promise<Gateway> {
  return name === 'Postfix' ? startPostfix(ways) : startPack(name, ways)
}

async function startPack(name: GatewayName, ways: readonly Way[]): Promise<Gateway> {
  const haraka = await HarakaProcess.start({
    name: 'congestion',
    nodes: name === 'pack' ? 0 : 2,
    plugins: ['address-space/accepted-domains', 'address-space/connectors'],
    config: {
      'accepted-domains.ini': [
        `postmaster = postmaster@${ways[0]?.domain}`,
        ...ways.map(({ domain }) => `relay[] = ${domain}`),
        '',
      ].join('\n'),
      'connectors.ini': ways.map(connectorSection).join('\n'),
    },
  })
  return {
    name,
    host: '127.0.0.1',
    port: haraka.port,
    queued: () => haraka.queued(),
    stop: () => haraka.stop(),
  }
}

function connectorSection({ domain, smartHost, queued = false }: Way): string {
  return [
    `[${domain.split('.', 1)[0]}]`,
    `address_spaces = ${domain}`,
    `smart_hosts = ${smartHost}`,
    'allow_relay = true',
    'tls = none',
    `delivery = ${queued ? 'queue' : 'direct'}`,
    '',
  ].join('\n')
}

/** Where it does not stand otherwise here, all is as Postfix has it. */
async function startPostfix(ways: readonly Way[]): Promise<Gateway> {
  const postfix = await Postfix.start({
    host: '127.0.0.8',
    main: {
      relay_domains: ways.map(({ domain }) => domain).join(' '),
      transport_maps: `inline:{${ways
        .map(({ domain, smartHost }) => `{ ${domain} = smtp:${smartHost} }`)
        .join(', ')}}`,
      minimal_backoff_time: '300s',
      queue_run_delay: '300s',
    },
  })
  return {
    name: 'Postfix',
    host: postfix.host,
    port: postfix.port,
    queued: async () => (await postfix.queue()).length,
    stop: () => postfix.remove(),
  }
}
