/**
 * What a replica on disk costs the process that loads it: time, memory, and a decision. Part of replica.ts, in a
 * process of its own.
 */
import assert from 'node:assert/strict'

import { allParts, makeSwitch, readConfiguration } from '../plugins/decision/configuration.js'
import { decideRecipient } from '../plugins/decision/mail-switch.js'
import { parseDirectoryConfig } from '../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../plugins/directory/open.js'
import { ReplicaFile } from '../plugins/directory/replica/replica-file.js'
import { settingsDigest } from '../plugins/directory/replica/settings-digest.js'
import { mailAddress } from '../plugins/mail/mail-address.js'
import { temporaryFolder } from './servers/process.js'

const domain = 'example.com'
const lines = ['[corp]', 'url = ldap://127.0.0.1:1', 'base_dn = dc=example', 'mode = replica']
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

/** Of a replica on disk: time to load, memory, and a decision; in this process. */
export async function cost(large: number, say: (text: string) => void): Promise<void> {
  const stateDir = temporaryFolder('replica')
  await writeReplica(stateDir, large)

  global.gc?.()
  const before = process.memoryUsage().rss
  const started = performance.now()
  const quiet = (): void => undefined
  const log = { debug: quiet, info: quiet, notice: quiet, warn: quiet, error: quiet, crit: quiet }
  const config = parseDirectoryConfig(lines)
  const directories = openDirectories(
    config,
    { configDir: '/', log },
    { replica: 'follow', stateDir },
  )
  await directories.ready()
  const seconds = (performance.now() - started) / 1000
  global.gc?.()
  const megabytes = Math.round((process.memoryUsage().rss - before) / 1024 / 1024)

  const perDecision = decisions(directories, large)
  await perDecision(true)
  const known = await perDecision(true)
  const unknown = await perDecision(false)
  say(
    `${large} objects: loaded from disk in ${seconds.toFixed(1)} s, ${megabytes} MB; a decision ${known.toFixed(1)} µs known, ${unknown.toFixed(1)} µs unknown`,
  )
  await directories.close()
}

/** A replica of `large` people, as the process that reads one leaves it. */
async function writeReplica(stateDir: string, large: number): Promise<void> {
  const [settings] = parseDirectoryConfig(lines).directories
  assert(settings?.kind === 'ldap')
  const file = new ReplicaFile(stateDir, 'corp')
  const draft = await file.draft()
  const head = {
    version: 1 as const,
    id: draft.id,
    settings: settingsDigest(settings),
    readAt: Date.now(),
    server: 'ldap://127.0.0.1',
  }
  await draft.begin(head)
  for (let at = 0; at < large; at += 500) {
    await draft.add(
      range(at, Math.min(at + 500, large)).map((index) => ({
        id: `AAAAAAAAAAAAAAAA${index.toString(36).padStart(6, '0')}`,
        entry: {
          dn: `CN=Anna Example ${index},OU=Staff,OU=Berlin,DC=corp,DC=example`,
          addresses: [`user${index}@${domain}`, `anna.example.${index}@${domain}`],
          primary: `user${index}@${domain}`,
          isContact: false,
        },
      })),
    )
  }
  await draft.end()
  await file.use(draft, head)
}

/** Microseconds of a decision over some. */
function decisions(directories: DirectorySet, large: number): (known: boolean) => Promise<number> {
  const files: Record<string, string[]> = {
    'accepted-domains.ini': [`authoritative = ${domain}`, `postmaster = user0@${domain}`],
    'directory.ini': lines,
    'connectors.ini': ['[x]', 'address_spaces = other.example'],
  }
  const configuration = readConfiguration(allParts, {
    lines: (name) => files[name] ?? [],
    isSelf: () => false,
  })
  const parts = makeSwitch(allParts, configuration, directories, undefined)
  const client = { ip: '192.0.2.99', mayRelay: false }
  const count = 100_000
  return async (known) => {
    const addresses = range(0, count).map(() =>
      mailAddress(`${known ? 'user' : 'nobody'}${Math.floor(Math.random() * large)}`, domain),
    )
    const begun = performance.now()
    for (const address of addresses) await decideRecipient(parts, client, address)
    return ((performance.now() - begun) * 1000) / count
  }
}
