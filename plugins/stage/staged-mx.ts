/**
 * A test MX on this machine: a real Haraka with all plugins, its status page included, and the
 * configuration of an install or of the sample, and a catcher in place of every other system. No mail
 * leaves: what would go to the Internet by MX is caught too.
 *
 * 127.0.0.1 is the stranger and the gateway; the catchers live on 127.0.0.2 and up. `stop` ends
 * everything that was started and removes its folder.
 */
import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { connectorsFile } from '../decision/connectors-config.js'
import { directoryFile } from '../directory/config.js'
import { Catcher, type CaughtMessage } from './catcher.js'
import { freePort } from './free-port.js'
import { GatewayProcess } from './gateway-process.js'
import { findHaraka, makeInstall } from './staged-install.js'
import { stagedConfig, standInsFor, type StandIn } from './staged-config.js'

export interface StageOptions {
  /** the configuration to try: an install's `config/`, or the sample */
  readonly configDir: string
  /** the built package */
  readonly packageDir: string
  /** where Haraka is looked for, besides the PATH */
  readonly harakaFrom: readonly string[]
  /** taken if they are free: for mail, and for the status page */
  readonly port: number
  readonly statusPort: number
}

/** The status page of the staged gateway, on 127.0.0.1. */
export interface StagedStatus {
  readonly port: number
  readonly token: string
}

/** Where mail for the Internet ends: bounces, and what a relaying client sends elsewhere. */
export const internet = 'outbound'

/** files of Haraka's that would make the staged one listen, log or send as the real one does */
const notStaged = [
  'plugins',
  'smtp.ini',
  'log.ini',
  'outbound.ini',
  'http.ini',
  'tls.ini',
  'host_list',
  'address-space.ini',
]

const plugins = [
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
  'address-space/status',
  'staged_internet',
]

export class StagedMx {
  readonly gateway: GatewayProcess
  /** by the key of the place that each stands in for */
  readonly catchers: ReadonlyMap<string, Catcher>
  readonly status: StagedStatus

  private constructor(
    gateway: GatewayProcess,
    catchers: ReadonlyMap<string, Catcher>,
    status: StagedStatus,
  ) {
    this.gateway = gateway
    this.catchers = catchers
    this.status = status
  }

  static async start(options: StageOptions): Promise<StagedMx> {
    const lines = {
      connectors: await readLines(options.configDir, connectorsFile),
      directory: await readLines(options.configDir, directoryFile),
    }
    const standIns: StandIn[] = [...standInsFor(lines), { place: internet, protocol: 'smtp' }]
    const catchers = await startCatchers(standIns)
    const dir = await mkdtemp(join(tmpdir(), 'address-space-stage-'))
    try {
      const status = {
        port: await freePort('127.0.0.1', options.statusPort),
        token: randomBytes(12).toString('hex'),
      }
      const gateway = await makeGateway(options, dir, { lines, catchers, status })
      await gateway.start()
      await gateway.waitForLog(/the status page (?:listens|cannot)/u)
      return new StagedMx(gateway, catchers, status)
    } catch (error) {
      await stopAll(catchers)
      await rm(dir, { recursive: true, force: true })
      throw error
    }
  }

  onMessage(listener: (place: string, message: CaughtMessage) => void): void {
    for (const [place, catcher] of this.catchers) {
      catcher.onMessage((message) => listener(place, message))
    }
  }

  async stop(): Promise<void> {
    await this.gateway.stop()
    await stopAll(this.catchers)
    await rm(this.gateway.dir, { recursive: true, force: true })
  }
}

interface StagedParts {
  readonly lines: { connectors: readonly string[]; directory: readonly string[] }
  readonly catchers: ReadonlyMap<string, Catcher>
  readonly status: StagedStatus
}

async function makeGateway(
  options: StageOptions,
  dir: string,
  { lines, catchers, status }: StagedParts,
): Promise<GatewayProcess> {
  const { packageDir, configDir } = options
  const host = '127.0.0.1'
  const haraka = findHaraka([packageDir, ...options.harakaFrom])
  const port = await freePort(host, options.port)
  const hosts = new Map([...catchers].map(([place, catcher]) => [place, catcher.smartHost]))
  const staged = stagedConfig(lines, hosts)
  await copyConfig(configDir, join(dir, 'config'))
  await makeInstall({
    dir,
    haraka,
    packageDir,
    host,
    port,
    plugins,
    me: await readFile(join(configDir, 'me'), 'utf8').then(
      (text) => text.trim(),
      () => 'gateway.example',
    ),
    config: {
      [connectorsFile]: staged.connectors,
      [directoryFile]: staged.directory,
      'address-space.ini': `[journal]\n[status]\nlisten = 127.0.0.1:${status.port}\ntoken_file = staged-status.token\n`,
      // what is queued is tried again as soon as Haraka allows: somebody is watching
      'outbound.ini': 'temp_fail_intervals = 5s*100\n',
    },
    pluginFiles: { 'staged_internet.js': internetPlugin(catchers.get(internet)) },
  })
  const token = join(dir, 'config', 'staged-status.token')
  await writeFile(token, `${status.token}\n`, { mode: 0o600 })
  return new GatewayProcess({ dir, haraka, host, port, nodes: 0 })
}

/** A plugin for the staged Haraka: whatever goes out by MX goes to the catcher. */
function internetPlugin(catcher: Catcher | undefined): string {
  const mx = JSON.stringify({ priority: 0, exchange: catcher?.host, port: catcher?.port })
  return `exports.hook_get_mx = (next) => next(OK, ${mx})\n`
}

async function startCatchers(standIns: readonly StandIn[]): Promise<Map<string, Catcher>> {
  const catchers = new Map<string, Catcher>()
  for (const [index, { place, protocol }] of standIns.entries()) {
    const host = `127.0.0.${index + 2}`
    try {
      catchers.set(place, await Catcher.start({ host, protocol }))
    } catch (error) {
      await stopAll(catchers)
      if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error
      const hint = `where loopback has only 127.0.0.1, as on macOS: sudo ifconfig lo0 alias ${host}`
      throw new Error(`expected ${host} to be an address of this machine; ${hint}`, {
        cause: error,
      })
    }
  }
  return catchers
}

async function stopAll(catchers: ReadonlyMap<string, Catcher>): Promise<void> {
  await Promise.all([...catchers.values()].map((catcher) => catcher.stop()))
}

async function copyConfig(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (!notStaged.includes(name)) {
      await cp(join(from, name), join(to, name), { recursive: true, dereference: true })
    }
  }
}

async function readLines(configDir: string, name: string): Promise<string[]> {
  const text = await readFile(join(configDir, name), 'utf8').catch((error: unknown) => {
    const hint = 'put the sample there with: npx address-space init'
    throw new Error(`${configDir}: expected a readable ${name}; ${hint}`, { cause: error })
  })
  return text.split(/\r?\n/u)
}
