/**
 * What is measured: the pack in the ways it is used, and what users would take instead, all with the
 * same 100,000 contacts, the same smart hosts and the same log level.
 *
 * The limit is Haraka with a queue plugin that accepts and drops: nothing that runs in Haraka can be
 * faster. Postfix does the pack's work with LDAP tables over the same slapd.
 */
import { join } from 'node:path'

import { temporaryFolder } from '../servers/process.js'
import type { Slapd } from '../servers/slapd.js'
import { HarakaProcess, type HarakaOptions } from './haraka-process.js'
import { DistantSink, type Sink } from './load.js'
import { blockAddress, domain, mixedAddress, places, toCsvde, type PlaceName } from './people.js'
import { startPostfix } from './postfix-contestant.js'
import { untilEmpty } from './until-empty.js'
import { childrenOf, memory, processorSeconds } from './usage.js'

export interface Field {
  readonly slapd: Slapd
  readonly sinks: ReadonlyMap<PlaceName, Sink>
  readonly nodes: number
  /** the folder of another build of the pack, to be measured beside this one */
  readonly beside?: string | undefined
}

/** Which recipients a contestant gets: names asked before, names never asked, three places a message. */
export type Recipients = 'warm' | 'cold' | 'mixed'

export interface Contestant {
  readonly name: string
  readonly port: number
  /** its first process */
  readonly pid: number
  readonly recipients: Recipients
  /** Settles when nothing is left in its queue; absent: it has none */
  drained?(): Promise<void>
  /** seconds of processor time so far, all its processes */
  processor(): number
  /** resident MiB of its largest process */
  memory(): number
  stop(): Promise<void>
}

export const names = {
  limit: 'limit',
  forward: 'smtp_forward',
  outbound: 'outbound',
  file: 'pack, file',
  warm: 'pack, LDAP warm',
  cold: 'pack, LDAP cold',
  queued: 'pack, queued',
  mixed: 'pack, three places',
  postfix: 'Postfix, LDAP',
  postfixMixed: 'Postfix, three places',
  watched: 'pack, file, journal and status',
  fileBeside: 'the other pack, file',
  queuedBeside: 'the other pack, queued',
  chunking: 'pack, CHUNKING',
  chunkingWarm: 'pack, CHUNKING, LDAP warm',
  data: 'pack, DATA',
  chunking1: 'pack, CHUNKING, 1 ms',
  data1: 'pack, DATA, 1 ms',
  chunking10: 'pack, CHUNKING, 10 ms',
  data10: 'pack, DATA, 10 ms',
  chunking40: 'pack, CHUNKING, 40 ms',
  data40: 'pack, DATA, 40 ms',
} as const
export type Name = (typeof names)[keyof typeof names]

/** Contestants of `Field.beside`. */
export const besideNames: ReadonlySet<Name> = new Set([names.fileBeside, names.queuedBeside])

/** The recipients' address for `smtp-source -N`. `run` counts the runs with unseen names. */
export function recipientsFor(recipients: Recipients, run: number): string {
  switch (recipients) {
    case 'warm':
      return blockAddress(0)
    case 'cold':
      return blockAddress(run + 1)
    case 'mixed':
      return mixedAddress
  }
}

/** Contestants whose host is one of sink-process.ts: the same, but for CHUNKING and the distance. */
export const distant: Partial<
  Record<Name, { chunking: boolean; distance: number; directory: 'file' | 'ldap' }>
> = {
  [names.chunking]: { chunking: true, distance: 0, directory: 'file' },
  [names.chunkingWarm]: { chunking: true, distance: 0, directory: 'ldap' },
  [names.data]: { chunking: false, distance: 0, directory: 'file' },
  [names.chunking1]: { chunking: true, distance: 1, directory: 'file' },
  [names.data1]: { chunking: false, distance: 1, directory: 'file' },
  [names.chunking10]: { chunking: true, distance: 10, directory: 'file' },
  [names.data10]: { chunking: false, distance: 10, directory: 'file' },
  [names.chunking40]: { chunking: true, distance: 40, directory: 'file' },
  [names.data40]: { chunking: false, distance: 40, directory: 'file' },
}

/** Starts a contestant; what it needs stands in `field`. */
export async function start(
  name: Name,
  field: Field,
  nodeOptions: readonly string[] = [],
): Promise<Contestant> {
  if (name === names.postfix || name === names.postfixMixed) {
    return { name, recipients: recipientsOf(name), ...(await startPostfix(field.slapd)) }
  }
  const host = distant[name] && (await DistantSink.start(distant[name]))
  const options = harakaOptions(name, field, host?.smartHost)
  const process = await HarakaProcess.start({ nodeOptions, ...options, name, nodes: field.nodes })
  return {
    name,
    port: process.port,
    pid: process.pid,
    recipients: recipientsOf(name),
    ...(queuing.has(name) && { drained: () => untilEmpty(() => process.queued()) }),
    processor: () => processorSeconds(process.pid),
    memory: () => Math.max(...[process.pid, ...childrenOf(process.pid)].map((p) => memory(p).now)),
    stop: async () => {
      await process.stop()
      await host?.stop()
    },
  }
}

const queuing: ReadonlySet<Name> = new Set([
  names.outbound,
  names.queued,
  names.queuedBeside,
  names.mixed,
])

function recipientsOf(name: Name): Recipients {
  if (name === names.mixed || name === names.postfixMixed) return 'mixed'
  return name === names.cold || name === names.postfix ? 'cold' : 'warm'
}

type Options = Omit<HarakaOptions, 'name' | 'nodes'>

function harakaOptions(name: Name, field: Field, smartHost: string | undefined): Options {
  const special = haraka[name]
  if (special) return special(field)
  return packOptions(field, distant[name]?.directory ?? 'file', 'direct', smartHost)
}

/** Haraka without the pack, and the pack other than direct and from a file. */
const haraka: Partial<Record<Name, (field: Field) => Options>> = {
  [names.limit]: () => ({
    plugins: ['rcpt_to.in_host_list', 'drop'],
    pluginFiles: { 'drop.js': 'exports.hook_queue = (next) => next(OK)\n' },
    config: hostList,
  }),
  [names.forward]: (field) => {
    const { host, port } = sinkOf(field, 'remote')
    return {
      plugins: ['rcpt_to.in_host_list', 'queue/smtp_forward'],
      config: { ...hostList, 'smtp_forward.ini': `host=${host}\nport=${port}\n` },
    }
  },
  [names.outbound]: (field) => outboundOptions(sinkOf(field, 'remote')),
  [names.warm]: (field) => packOptions(field, 'ldap', 'direct'),
  [names.cold]: (field) => packOptions(field, 'ldap', 'direct'),
  [names.queued]: (field) => packOptions(field, 'file', 'queue'),
  [names.fileBeside]: (field) => besideOptions(field, 'direct'),
  [names.queuedBeside]: (field) => besideOptions(field, 'queue'),
  [names.watched]: (field) => watchedOptions(field),
}

const hostList = { host_list: `${domain}\n` }

/** Mail of a relaying client goes to Haraka's own queue, and from there to the smart host. */
function outboundOptions({ host, port }: Sink): Options {
  return {
    plugins: ['relaying', 'rcpt_to.in_host_list', 'next_hop'],
    pluginFiles: {
      'relaying.js':
        'exports.hook_connect = (next, connection) => { connection.relaying = true; next() }\n',
      'next_hop.js': `exports.hook_get_mx = (next) => next(OK, { exchange: '${host}', port: ${port}, priority: 0 })\n`,
    },
    config: hostList,
  }
}

function besideOptions(field: Field, delivery: 'direct' | 'queue'): Options {
  const { beside } = field
  if (beside === undefined) throw new Error('expected --beside FOLDER')
  return { ...packOptions(field, 'file', delivery), packageDir: beside }
}

/** With everything on that watches: the journal, the metrics and the page. */
function watchedOptions(field: Field): Options {
  const { plugins, config, ...options } = packOptions(field, 'file', 'direct')
  const socket = join(temporaryFolder('bench-status'), 'status.sock')
  return {
    ...options,
    plugins: [...plugins, 'address-space/status'],
    config: { ...config, 'address-space.ini': `[journal]\n[status]\nlisten = ${socket}\n` },
  }
}

function sinkOf({ sinks }: Field, place: PlaceName): Sink {
  const sink = sinks.get(place)
  if (!sink) throw new Error(`no sink for ${place}`)
  return sink
}

export function packOptions(
  field: Field,
  directory: 'file' | 'ldap',
  delivery: 'direct' | 'queue',
  /** in place of the field's own for the targets of most contacts */
  remote = sinkOf(field, 'remote').smartHost,
): Options {
  const { slapd } = field
  const connectors = places.map((place) => {
    const spaces = place === 'remote' ? `${domain}, remote.example` : `${place}.example`
    return `[${place}]
address_spaces = ${spaces}
smart_hosts = ${place === 'remote' ? remote : sinkOf(field, place).smartHost}
allow_relay = true
tls = none
delivery = ${delivery}
`
  })
  const source =
    directory === 'file'
      ? 'url = file:contacts.csv'
      : `url = ${slapd.url}
base_dn = ${slapd.baseDn}
bind_dn = ${slapd.bindDn}
bind_password = ${slapd.password}`
  return {
    plugins: ['accepted-domains', 'contacts', 'connectors'].map((part) => `address-space/${part}`),
    config: {
      'accepted-domains.ini': `shared = ${domain}\npostmaster = postmaster@remote.example\n`,
      'connectors.ini': connectors.join('\n'),
      // warm is warm for the whole run
      'directory.ini': `[corp]\n${source}\n\n[cache]\nttl = 86400\n`,
      ...(directory === 'file' && { 'contacts.csv': toCsvde() }),
    },
    ...(directory === 'file' && { ready: /entries with \d+ addresses in use/u }),
  }
}
