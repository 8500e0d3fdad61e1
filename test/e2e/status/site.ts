/** A gateway with a status page, for tests: one shared domain, a directory from a file, one host. */
import { readFileSync } from 'node:fs'

import { inTime } from '../../../plugins/basics/in-time.js'
import { freePort } from '../../../plugins/stage/free-port.js'
import type { StatusView } from '../../../plugins/status/view.js'
import { childrenOf } from '../../../scripts/bench/usage.js'
import { type Catcher, type GatewayProcess, makeGateway } from '../../harness/haraka.js'

export const token = '0123456789abcdef0123456789abcdef'
export const bearer = { Authorization: `Bearer ${token}` }

export interface Site {
  readonly gateway: GatewayProcess
  readonly url: string
  readonly port: number
}

export interface SiteOptions {
  readonly nodes?: number
  readonly section?: string
  readonly host?: string
  readonly config?: Readonly<Record<string, string>>
}

/** Not started yet. The token's file is there; `section` says whether it is used. */
export async function makeSite(unix: Catcher, options: SiteOptions = {}): Promise<Site> {
  const port = await freePort('127.0.0.1')
  const { nodes = 0, section = 'token_file = status.token', config = {} } = options
  const gateway = await makeGateway({
    nodes,
    ...(options.host !== undefined && { host: options.host }),
    plugins: [
      'address-space/status',
      'address-space/accepted-domains',
      'address-space/contacts',
      'address-space/connectors',
    ],
    config: {
      'address-space.ini': `[journal]\n[status]\nlisten = 127.0.0.1:${port}\n${section}\n`,
      'accepted-domains.ini':
        'authoritative = example.local\nshared = example.com\npostmaster = anna@example.local\n',
      'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${unix.smartHost}\n`,
      'contacts.csv': 'dn,proxyAddresses\n"CN=Anna",SMTP:anna@example.local\n',
      'connectors.ini': `[unix]\naddress_spaces = example.com\nsmart_hosts = ${unix.smartHost}\nallow_relay = true\ntls = none\n`,
      ...config,
    },
  })
  await gateway.writeConfig('status.token', `${token}\n`)
  const { chmodSync } = await import('node:fs')
  chmodSync(`${gateway.configDir}/status.token`, 0o600)
  return { gateway, url: `http://127.0.0.1:${port}`, port }
}

/** Haraka listens before the status page does. */
export async function startSite({ gateway }: Pick<Site, 'gateway'>): Promise<void> {
  const from = gateway.logLines.length
  await gateway.start()
  await gateway.waitForLog(/the status page listens on/u, 30_000, from)
}

export async function viewOf({ url }: Site): Promise<StatusView> {
  const response = await fetch(`${url}/status.json`)
  return (await response.json()) as StatusView
}

/** The value of each metric, by its line's beginning. */
export async function metricsOf({ url }: Site): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

/** Asks until the condition holds; fails after `patience` milliseconds, saying what was seen last. */
export async function until<T>(
  ask: () => Promise<T>,
  holds: (seen: T) => boolean,
  patience = 30_000,
): Promise<T> {
  const end = performance.now() + patience
  for (;;) {
    const seen = await inTime(ask(), patience, () => undefined)
    if (seen !== undefined && holds(seen)) return seen
    if (performance.now() > end) {
      throw new Error(`it did not happen within ${patience} ms; last seen: ${JSON.stringify(seen)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The workers of Haraka's first process. */
export function workersOf({ gateway }: Site): number[] {
  return childrenOf(gateway.pid ?? 0).filter((pid) => !isPage(pid))
}

/** The process of the status page's HTTP server; 0: there is none. */
export function pageProcessOf({ gateway }: Pick<Site, 'gateway'>): number {
  return childrenOf(gateway.pid ?? 0).find(isPage) ?? 0
}

function isPage(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('http-child')
  } catch {
    // it has ended
    return false
  }
}
