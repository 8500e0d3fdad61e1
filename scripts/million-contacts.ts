/**
 * What a file of a million contacts costs a Haraka process: load time, resident memory, the longest
 * pause of the event loop, and the time of a lookup. Once for the first load, once for a changed
 * version that is swapped in while lookups go on, once for a restart, from the snapshot on disk.
 *
 *   npx tsx scripts/million-contacts.ts [count] [csv|ldif]
 */
import { once } from 'node:events'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

import { mailAddress } from '../plugins/mail/mail-address.js'
import { parseDirectoryConfig } from '../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../plugins/directory/open.js'

const count = Number(process.argv[2] ?? 1_000_000)
const format = process.argv[3] === 'ldif' ? 'ldif' : 'csv'

const header =
  'objectClass,dn,name,cn,sn,givenName,displayName,proxyAddresses,targetAddress,mail,mailnickname\r\n'

/** The article's example row, numbered. */
function csvRow(n: number): string {
  const remote = `internetUser${n}@remote.domain`
  const names = `Internet User ${n},Internet User ${n},User,Internet,Internet User ${n}`
  return `contact,"cn=Internet User ${n},ou=internet users,dc=xo,dc=one",${names},SMTP:${remote}; smtp:internetuser${n}@xo.one,SMTP:${remote},${remote},internetuser${n}\r\n`
}

function ldifRecord(n: number): string {
  const remote = `internetUser${n}@remote.domain`
  return [
    `dn: cn=Internet User ${n},ou=internet users,dc=xo,dc=one`,
    'changetype: add',
    'objectClass: contact',
    `displayName: Internet User ${n}`,
    `proxyAddresses: SMTP:${remote}`,
    `proxyAddresses: smtp:internetuser${n}@xo.one`,
    `targetAddress: SMTP:${remote}`,
    `mail: ${remote}`,
    '\n',
  ].join('\n')
}

async function writeContacts(path: string): Promise<void> {
  const file = createWriteStream(path)
  if (format === 'csv') file.write(header)
  for (let n = 0; n < count; n += 1) {
    const room = file.write(format === 'csv' ? csvRow(n) : ldifRecord(n))
    if (!room) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}

/** Runs the work and prints what it cost. */
async function measure(what: string, work: () => Promise<void>): Promise<void> {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  let peak = 0
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20)
  delays.enable()
  const started = performance.now()
  await work()
  const seconds = (performance.now() - started) / 1000
  delays.disable()
  clearInterval(watch)
  const megabytes = (octets: number): string => `${Math.round(octets / 1e6)} MB`
  console.log(
    `${what}: ${seconds.toFixed(1)} s; resident ${megabytes(process.memoryUsage.rss())} after, ` +
      `${megabytes(Math.max(peak, process.memoryUsage.rss()))} at most; longest pause ${(delays.max / 1e6).toFixed(0)} ms`,
  )
}

async function timeLookups(directories: DirectorySet): Promise<void> {
  const lookups = 100_000
  const started = performance.now()
  for (let n = 0; n < lookups; n += 1) {
    const local = `internetuser${(n * 7919) % (2 * count)}`
    const { kind } = await directories.find(mailAddress(local, 'xo.one'))
    const expected = (n * 7919) % (2 * count) < count ? 'found' : 'none'
    if (kind !== expected) throw new Error(`${local}: expected ${expected}, got ${kind}`)
  }
  const microseconds = ((performance.now() - started) * 1000) / lookups
  console.log(`lookups, half of them unknown: ${microseconds.toFixed(1)} µs each`)
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'million-contacts-'))
  const path = join(folder, `contacts.${format}`)
  try {
    console.log(`${count} contacts, ${format === 'csv' ? 'CSVDE' : 'LDIF'}`)
    await writeContacts(path)
    const loads: string[] = []
    const told: string[] = []
    const print = (message: string): void => {
      if (message.includes('in use')) told.push(message)
      if (message.includes(' in use after ')) loads.push(message)
    }
    const log = { debug: print, info: print, notice: print, warn: print, error: print, crit: print }
    const config = parseDirectoryConfig(['[contacts]', `url = file:${path}`])
    // an hour ago: the file is not taken for one that is being written
    utimesSync(path, Date.now() / 1000 - 3600, Date.now() / 1000 - 3600)

    console.log(`before: resident ${Math.round(process.memoryUsage.rss() / 1e6)} MB`)
    const stateDir = join(folder, 'state')
    mkdirSync(stateDir)
    const open = (): DirectorySet =>
      openDirectories(config, { configDir: folder, log }, { pollInterval: 100, stateDir })
    const directories = open()
    await measure('first load', () => directories.ready())
    await timeLookups(directories)
    await measure('a changed version, with lookups under way', async () => {
      utimesSync(path, Date.now() / 1000 - 1800, Date.now() / 1000 - 1800)
      for (let n = 0; loads.length < 2; n = (n + 1) % count) {
        await directories.find(mailAddress(`internetuser${n}`, 'xo.one'))
        await sleep(1)
      }
    })
    await directories.close()
    await sleep(5000)
    const again = open()
    await measure('a restart, from the snapshot on disk', () => again.ready())
    await timeLookups(again)
    await again.close()
    console.log(told.join('\n'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

void main()
