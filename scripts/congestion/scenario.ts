/**
 * What a scenario is, and how one is run: hosts that behave alike for each gateway, all gateways at the
 * same time or in turn, and for each what became of its mail.
 */
import { FaultServer, type FaultServerOptions } from '../../test/harness/fault-server.js'
import { startGateway, type Gateway, type GatewayName, type Way } from './gateways.js'

/** What one gateway did in one scenario. */
export interface Result {
  readonly gateway: GatewayName
  /** seconds that the scenario is about: the fewer, the better */
  readonly seconds: number
  readonly arrived: number
  readonly expected: number
  /** further figures, by their names */
  readonly figures: Readonly<Record<string, string>>
}

export interface Aim {
  readonly text: string
  readonly reached: boolean
}

export interface Scenario {
  readonly name: string
  readonly title: string
  /** what the seconds are, below the title */
  readonly about: string
  run(options: RunOptions): Promise<Result[]>
  /** what was aimed at for the pack */
  aims(results: readonly Result[]): Aim[]
}

export interface RunOptions {
  readonly gateways: readonly GatewayName[]
  /** How long its load or its outage goes on; as the scenario has it by itself, when not told */
  readonly seconds?: number | undefined
  /** How many messages its clients send, where it is not a matter of time */
  readonly messages?: number | undefined
  readonly tell: (text: string) => void
}

/** A place of a scenario: a domain with a host that behaves so. */
export interface PlaceSpec extends FaultServerOptions {
  readonly domain: string
  readonly queued?: boolean
}

export interface Field {
  readonly gateway: Gateway
  /** by domain */
  readonly host: (domain: string) => FaultServer
}

/** Where reports to senders go; it is always well. */
export const senderDomain = 'sender.example'

/** The same one after the other: where they would be in each other's way, and it does not take long. */
export async function measureInTurn(
  options: RunOptions,
  places: readonly PlaceSpec[],
  measure: (field: Field) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (const name of options.gateways) {
    options.tell(`  ${name}`)
    results.push(...(await measureAll({ ...options, gateways: [name] }, places, measure)))
  }
  return results
}

/** Starts each gateway with hosts of its own, measures them all at once, and stops everything. */
export async function measureAll(
  { gateways }: RunOptions,
  places: readonly PlaceSpec[],
  measure: (field: Field) => Promise<Result>,
): Promise<Result[]> {
  const fields: (Field & { stop(): Promise<void> })[] = []
  try {
    for (const name of gateways) fields.push(await openField(name, places))
    return await Promise.all(fields.map(measure))
  } finally {
    await Promise.all(fields.map((field) => field.stop()))
  }
}

async function openField(
  name: GatewayName,
  places: readonly PlaceSpec[],
): Promise<Field & { stop(): Promise<void> }> {
  const hosts = new Map<string, FaultServer>()
  const ways: Way[] = []
  for (const { domain, queued = false, ...options } of [...places, { domain: senderDomain }]) {
    const host = await FaultServer.start({ ...options, host: '127.0.0.2' })
    hosts.set(domain, host)
    ways.push({ domain, smartHost: host.smartHost, queued })
  }
  const stopHosts = async (): Promise<void> => {
    await Promise.all([...hosts.values()].map((host) => host.stop()))
  }
  try {
    const gateway = await startGateway(name, ways)
    return {
      gateway,
      host(domain) {
        const host = hosts.get(domain)
        if (!host) throw new Error(`no host for ${domain}`)
        return host
      },
      async stop() {
        await gateway.stop()
        await stopHosts()
      },
    }
  } catch (error) {
    await stopHosts()
    throw error
  }
}

/** The result of the pack in one process and, if it was measured, of another gateway. */
export function resultOf(results: readonly Result[], name: GatewayName): Result | undefined {
  return results.find(({ gateway }) => gateway === name)
}

/** An aim for each form of the pack that was measured. */
export function forEachPack(
  results: readonly Result[],
  aim: (result: Result) => Aim | readonly Aim[],
): Aim[] {
  return results
    .filter(({ gateway }) => gateway !== 'Postfix')
    .flatMap((result) =>
      [aim(result)].flat().map(({ text, reached }) => ({
        text: `${result.gateway}: ${text}`,
        reached,
      })),
    )
}
