/** Gateways that name each other as smart hosts, and how tests see that nothing circulates. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../../../plugins/stage/free-port.js'
import { makeGateway, type GatewayProcess } from '../../harness/haraka.js'

export const pack = [
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
]

/** Our own gateways hand over from here, so strangers come from elsewhere. */
export const stranger = '127.0.0.9'
export const sender = 'sender@client.example'

const secret = `${'0123456789abcdef'.repeat(3)}\n`

/** Files of config/ for one gateway, given the smart host text of each. */
export type Configure = (hosts: readonly string[]) => Record<string, string>

/** Gateways on 127.0.0.11 and up, all with one secret; none is started yet. */
export async function makeGateways(configure: readonly Configure[]): Promise<GatewayProcess[]> {
  const hosts = configure.map((_, index) => `127.0.0.${index + 11}`)
  const ports = await Promise.all(hosts.map((host) => freePort(host)))
  const texts = hosts.map((host, index) => `[${host}]:${ports[index]}`)
  return Promise.all(
    configure.map(async (files, index) => {
      const gateway = await makeGateway({
        host: hosts[index] ?? '',
        port: ports[index] ?? 0,
        me: `mx${index + 1}.example`,
        plugins: pack,
        config: { 'address-space.secret': secret, ...files(texts) },
      })
      await chmod(join(gateway.configDir, 'address-space.secret'), 0o600)
      return gateway
    }),
  )
}

/** A connector as connectors.ini has it. */
export function connector(name: string, spaces: string, hosts: string, more = ''): string {
  return `[${name}]\naddress_spaces = ${spaces}\nsmart_hosts = ${hosts}\nallow_relay = true\n${more}\n`
}

/** How often gateways decided about a recipient: the passages of a message that is alone. */
export async function passages(
  gateways: readonly GatewayProcess[],
  recipient: string,
  expected: number,
): Promise<number> {
  const count = (): number =>
    gateways
      .flatMap(({ logLines }) => logLines)
      .filter((line) => line.includes(' decision=') && line.includes(`recipient="${recipient}"`))
      .length
  // the log comes through a pipe, after the reply
  for (const end = Date.now() + 5000; count() < expected && Date.now() < end;) await sleep(10)
  return count()
}

/** Settles when no gateway has anything in its queue. */
export async function drained(
  gateways: readonly GatewayProcess[],
  timeout = 10_000,
): Promise<void> {
  const end = Date.now() + timeout
  for (;;) {
    const queues = await Promise.all(gateways.map((gateway) => gateway.queue()))
    const left = queues.flat()
    if (left.length === 0) return
    if (Date.now() > end) {
      throw new Error(`expected empty queues, got ${left.map(({ name }) => name).join(', ')}`)
    }
    await sleep(20)
  }
}

/** Received fields of a message, or of the one that a report returns. */
export function hops(raw: Buffer): number {
  return raw.toString('latin1').match(/^Received:/gmu)?.length ?? 0
}
