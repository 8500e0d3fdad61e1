/** Gateways for delivery's tests: every domain is relayed to the smart host that a test names. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'

import { dist } from '../../../scripts/build.js'
import { makeGateway, type GatewayProcess, type TestGatewayOptions } from '../../harness/haraka.js'

export interface Way {
  readonly domains: readonly string[]
  /** as in connectors.ini */
  readonly smartHosts: string
  /** further lines of the connector */
  readonly settings?: readonly string[]
}

export interface DeliveryGatewayOptions {
  readonly ways: Readonly<Record<string, Way>>
  readonly config?: TestGatewayOptions['config']
  /** lines of connectors.ini's [main] */
  readonly main?: readonly string[]
  /** further plugins, before the pack's */
  readonly pluginFiles?: Readonly<Record<string, string>>
  /** further files of this folder that Haraka loads first */
  readonly preload?: readonly string[]
  /** seconds instead of minutes until a silent host is given up */
  readonly shortWaits?: boolean
  readonly nodes?: number
  readonly logLevel?: TestGatewayOptions['logLevel']
  readonly env?: NodeJS.ProcessEnv
  /** files of config/ for their owner alone */
  readonly secrets?: Readonly<Record<string, string>>
}

/** What a host deferred is tried again after some seconds; `settings` may say otherwise. */
export async function startDeliveryGateway(
  options: DeliveryGatewayOptions,
): Promise<GatewayProcess> {
  const { ways, config, secrets = {}, nodes = 0, logLevel = 'info', pluginFiles = {} } = options
  const domains = Object.values(ways).flatMap((way) => way.domains)
  const preload = [
    ...(options.shortWaits === true ? ['short-waits.cjs'] : []),
    ...(options.preload ?? []),
  ]
  const env = {
    ...options.env,
    TEST_PACKAGE: dist,
    ...(preload.length > 0 && {
      NODE_OPTIONS: preload.map((name) => `--require ${join(__dirname, name)}`).join(' '),
    }),
  }
  const gateway = await makeGateway({
    plugins: [
      ...Object.keys(pluginFiles).map((name) => name.replace(/\.js$/u, '')),
      'address-space/accepted-domains',
      'address-space/connectors',
    ],
    pluginFiles,
    nodes,
    logLevel,
    env,
    config: {
      'accepted-domains.ini': [
        `postmaster = postmaster@${domains[0]}`,
        ...domains.map((domain) => `relay[] = ${domain}`),
        '',
      ].join('\n'),
      'connectors.ini': connectorsIni(ways, options.main),
      'outbound.ini': 'temp_fail_intervals=5s*1000\n',
      ...config,
      ...secrets,
    },
  })
  for (const name of Object.keys(secrets)) await chmod(join(gateway.configDir, name), 0o600)
  await gateway.start()
  return gateway
}

export function connectorsIni(
  ways: Readonly<Record<string, Way>>,
  main: readonly string[] = [],
): string {
  const sections = Object.entries(ways).map(([name, way]) => connectorSection(name, way))
  return ['[main]', ...main, '', ...sections].join('\n')
}

export function connectorSection(
  name: string,
  { domains, smartHosts, settings = [] }: Way,
): string {
  return [
    `[${name}]`,
    `address_spaces = ${domains.join(', ')}`,
    `smart_hosts = ${smartHosts}`,
    'allow_relay = true',
    ...(settings.some((line) => line.startsWith('retry')) ? [] : ['retry = 2s']),
    ...settings,
    '',
  ].join('\n')
}

/** Waits until the condition holds; rejects with what it says instead. */
export async function eventually(
  condition: () => Promise<string | undefined> | string | undefined,
  timeout = 20_000,
): Promise<void> {
  const end = Date.now() + timeout
  for (;;) {
    const problem = await condition()
    if (problem === undefined) return
    if (Date.now() > end) throw new Error(`after ${timeout} ms: ${problem}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
