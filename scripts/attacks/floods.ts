/**
 * Floods of made-up addresses, subdomains, senders, loop fields and undeliverable reports, each for some
 * seconds from eight sessions at a time, and what they leave behind: memory of the gateway's process, files
 * in its queue folder, lines of the tally. Honest mail has to get through meanwhile.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { SmtpClient } from '../../plugins/stage/smtp-client.js'
import { send } from '../../test/harness/haraka.js'
import { Site } from './site.js'

const sessions = 8

type Flood = (site: Site, client: SmtpClient, next: () => number) => Promise<void>

const asking =
  (recipient: (number: number) => string): Flood =>
  async (_site, client, next) => {
    await client.mail('a@client.example')
    for (let at = 0; at < 20; at += 1) {
      if ((await client.rcpt(recipient(next()))).code === 421) return
    }
    await client.command('RSET')
  }

const sending =
  (
    from: (number: number) => string,
    to: (number: number) => string,
    head: (number: number) => string,
  ): Flood =>
  async (_site, client, next) => {
    const number = next()
    await client.mail(from(number))
    const { code } = await client.rcpt(to(number))
    if (code < 300) await client.data(`${head(number)}Subject: flood\r\n\r\nx\r\n`)
    else await client.command('RSET')
  }

export const floods: Readonly<Record<string, Flood>> = {
  'made-up recipients, authoritative': asking((number) => `made-up-${number}@example.local`),
  'made-up recipients, shared': asking((number) => `made-up-${number}@example.com`),
  'made-up subdomains, observed': asking((number) => `x@s${number}.observed.example`),
  'made-up senders': sending(
    (number) => `s${number}@d${number}.example`,
    () => 'anna@example.com',
    () => '',
  ),
  'made-up loop fields': sending(
    () => 'a@client.example',
    () => 'anna@example.com',
    (number) =>
      `X-Address-Space-Loop: g${number}; ${`T${number}`.padEnd(22, 'A')} AAAAAAAAAAAAAAAAAAAAAA\r\n`.repeat(
        300,
      ),
  ),
  // the report of a refused message of nobody's can go to nobody
  'reports to nobody': async (_site, client, next) => {
    await client.mail('')
    await client.rcpt('walter@example.com')
    await client.rcpt(`nobody-${next()}@example.com`)
    await client.data('Subject: flood\r\n\r\nx\r\n')
  },
}

export interface FloodFigures {
  readonly name: string
  readonly rounds: number
  /** of the process, in MB */
  readonly before: number
  readonly most: number
  /** files and octets in the queue folder */
  readonly files: number
  readonly octets: number
  readonly honest: boolean
}

/** Runs all of them; false if honest mail did not get through or the gateway is gone. */
export async function flood(seconds: number, print: (line: string) => void): Promise<boolean> {
  const site = await Site.start({ delay: 0, logLevel: 'notice' })
  try {
    let right = true
    print(`${seconds} s each, ${sessions} sessions at a time`)
    for (const [name, attack] of Object.entries(floods)) {
      const figures = await runFlood(site, name, attack, seconds)
      const { rounds, before, most, files, octets, honest } = figures
      right &&= honest
      print(
        `${honest ? ' ' : '!'} ${name.padEnd(36)} ${String(rounds).padStart(7)} rounds, memory ${before} -> ${most} MB, queue ${files} files ${octets} octets`,
      )
    }
    return right
  } finally {
    await site.stop()
  }
}

export async function runFlood(
  site: Site,
  name: string,
  attack: Flood,
  seconds: number,
): Promise<FloodFigures> {
  const { gateway } = site
  const before = memory(gateway.pid)
  let most = before
  let rounds = 0
  let number = 0
  const end = performance.now() + seconds * 1000
  const sampler = setInterval(() => (most = Math.max(most, memory(gateway.pid))), 250)
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      const client = await SmtpClient.connect(gateway, { timeout: 20_000 })
      try {
        await client.ehlo()
        while (performance.now() < end) {
          await attack(site, client, () => (number += 1))
          rounds += 1
        }
      } catch {
        // the gateway has ended the session: the next one
      } finally {
        client.close()
      }
    }
  }
  await Promise.all(Array.from({ length: sessions }, one))
  clearInterval(sampler)
  const outcome = await send(gateway, { from: 'a@client.example', to: ['anna@example.com'] })
  const files = readdirSync(join(gateway.dir, 'queue'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size)
  const octets = files.reduce((sum, size) => sum + size, 0)
  return {
    name,
    rounds,
    before,
    most,
    files: files.length,
    octets,
    honest: outcome.data?.code === 250,
  }
}

/** Resident memory in MB. */
function memory(pid: number | undefined): number {
  const [, kilobytes = '0'] =
    /VmRSS:\s+(\d+)/u.exec(readFileSync(`/proc/${pid ?? 'self'}/status`, 'utf8')) ?? []
  return Math.round(Number(kilobytes) / 1024)
}
