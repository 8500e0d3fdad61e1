/**
 * What a process holds in memory: with a million contacts from CSVDE, and whether messages leave
 * something behind. Haraka is asked by SIGUSR2 to collect its garbage and to say what it uses.
 */
import { once } from 'node:events'
import { createWriteStream, readFileSync, rmSync, watch } from 'node:fs'
import { join } from 'node:path'

import { temporaryFolder } from '../servers/process.js'
import { packOptions, type Field } from './contestants.js'
import { HarakaProcess } from './haraka-process.js'
import { sendLoad } from './load.js'
import { blockAddress, blockSize } from './people.js'
import { memory } from './usage.js'

export interface MemoryUse {
  /** MiB resident once a million contacts are loaded, and the most while they were */
  readonly million: { readonly now: number; readonly peak: number }
  /** MiB after a garbage collection, before and after 10,000 messages */
  readonly before: Use
  readonly after: Use
}

interface Use {
  readonly heap: number
  readonly external: number
  readonly resident: number
}

const answerFile = 'memory.json'
const teller = `const { join } = require('path')
const { writeFileSync, renameSync } = require('fs')
require('v8').setFlagsFromString('--expose-gc')
const gc = require('vm').runInNewContext('gc')
const mb = (octets) => octets / 1048576
exports.register = function () {
  process.on('SIGUSR2', () => {
    gc()
    gc()
    const { heapUsed, external, rss } = process.memoryUsage()
    const text = JSON.stringify({ heap: mb(heapUsed), external: mb(external), resident: mb(rss) })
    writeFileSync(join(process.env.HARAKA, '${answerFile}.new'), text)
    renameSync(join(process.env.HARAKA, '${answerFile}.new'), join(process.env.HARAKA, '${answerFile}'))
  })
}
`

export async function measureMemory(
  field: Field,
  tell: (text: string) => void,
): Promise<MemoryUse> {
  tell('memory: a million contacts')
  const million = await withMillion(field)
  tell('memory: 10,000 messages')
  const haraka = await HarakaProcess.start({
    ...packOptions(field, 'file', 'direct'),
    name: 'memory',
    nodes: 0,
    pluginFiles: { 'teller.js': teller },
    plugins: ['teller', ...packOptions(field, 'file', 'direct').plugins],
  })
  try {
    const send = async (blocks: number): Promise<void> => {
      for (let block = 0; block < blocks; block++) {
        const to = blockAddress(block)
        await sendLoad({ messages: blockSize, clients: 20, octets: 4096, to }, haraka.port)
      }
    }
    // the same recipients before and after: what is remembered of them is not growth
    await send(5)
    const before = await ask(haraka)
    await send(5)
    return { million, before, after: await ask(haraka) }
  } finally {
    await haraka.stop()
  }
}

async function ask(haraka: HarakaProcess): Promise<Use> {
  const file = join(haraka.dir, answerFile)
  rmSync(file, { force: true })
  const watcher = watch(haraka.dir)
  try {
    process.kill(haraka.pid, 'SIGUSR2')
    for (;;) {
      const [, name] = (await once(watcher, 'change', { signal: AbortSignal.timeout(10_000) })) as [
        string,
        string | null,
      ]
      if (name === answerFile) return JSON.parse(readFileSync(file, 'utf8')) as Use
    }
  } finally {
    watcher.close()
  }
}

async function withMillion(field: Field): Promise<MemoryUse['million']> {
  const path = join(temporaryFolder('bench-million'), 'contacts.csv')
  const out = createWriteStream(path)
  out.write('objectClass,dn,proxyAddresses,targetAddress\n')
  for (let n = 0; n < 1_000_000; n++) {
    const target = `user${n}@remote.example`
    const line = `contact,"cn=user${n},ou=people,dc=corp,dc=example",SMTP:${target};smtp:user${n}@example.com,${target}\n`
    if (!out.write(line)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
  const options = packOptions(field, 'file', 'direct')
  const haraka = await HarakaProcess.start({
    ...options,
    name: 'million',
    nodes: 0,
    config: {
      ...options.config,
      'contacts.csv': '',
      'directory.ini': `[corp]\nurl = file:${path}\n`,
    },
  })
  try {
    const { now, peak } = memory(haraka.pid)
    return { now, peak }
  } finally {
    await haraka.stop()
    rmSync(path)
  }
}
