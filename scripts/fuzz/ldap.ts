/**
 * Lookups at an LDAP server that breaks the protocol (hostile-ldap.ts). What has to hold: nobody whom it knows
 * becomes unknown, no lookup waits longer than its limit, the event loop does not stand still, and when the server is
 * well again so are the answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'

import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { mailAddress } from '../../plugins/mail/mail-address.js'
import { HostileLdap, tricks, type Trick } from './hostile-ldap.js'
import type { Finding } from './finding.js'
import { Chance } from './random.js'

// milliseconds
const timeout = 400
// a machine under load
const grace = 2000
const longestPause = 1500
const patience = 10_000
const together = 8

const quiet = { debug() {}, info() {}, notice() {}, warn() {}, error() {}, crit() {} }

export interface LdapFigures {
  readonly findings: readonly Finding[]
  readonly lookups: number
  readonly longestPause: number
}

/** Each trick alone, then as chance says, until `ms` are over; every trick once at least. */
export async function fuzzLdap(seed: number, ms: number): Promise<LdapFigures> {
  const server = await HostileLdap.start()
  const delays = monitorEventLoopDelay({ resolution: 5 })
  delays.enable()
  const findings: Finding[] = []
  let number = 0
  let lookups = 0
  const round = async (at: number, only: Trick | undefined): Promise<void> => {
    const directories = open(server.url)
    server.chance = new Chance(at)
    server.only = only
    const what = `LDAP, ${only ?? 'anything'}`
    for (let times = only === undefined ? 6 : 2; times > 0; times -= 1) {
      const asked = Array.from({ length: together }, () => (number += 1))
      lookups += asked.length
      const wrong = await Promise.all(asked.map((user) => ask(directories, `user${user}`)))
      findings.push(
        ...wrong.flatMap((detail) =>
          detail === undefined ? [] : [{ what, detail: `seed ${at}: ${detail}` }],
        ),
      )
    }
    server.chance = undefined
    if (!(await recovers(directories))) {
      findings.push({ what, detail: `seed ${at}: not well again after ${patience} ms` })
    }
    await directories.close()
  }
  const end = performance.now() + ms
  try {
    for (const trick of tricks) await round(seed, trick)
    for (let at = seed + 1; performance.now() < end; at += 1) await round(at, undefined)
  } finally {
    await server.stop()
    delays.disable()
  }
  const pause = delays.max / 1e6
  if (pause > longestPause) {
    findings.push({
      what: 'LDAP',
      detail: `the event loop stood still for ${Math.round(pause)} ms`,
    })
  }
  return { findings, lookups, longestPause: pause }
}

function open(url: string): DirectorySet {
  const config = parseDirectoryConfig([
    '[hostile]',
    `url = ${url}`,
    'base_dn = dc=fake',
    `timeout = ${timeout / 1000}`,
  ])
  return openDirectories(config, { configDir: '/', log: quiet })
}

/** What is wrong with the answer; undefined: nothing. */
async function ask(directories: DirectorySet, local: string): Promise<string | undefined> {
  const started = performance.now()
  const { kind } = await directories.find(mailAddress(local, 'example.com'))
  const took = performance.now() - started
  if (kind === 'none') return `${local} became unknown`
  return took > timeout + grace ? `${local} waited ${Math.round(took)} ms` : undefined
}

async function recovers(directories: DirectorySet): Promise<boolean> {
  for (const end = performance.now() + patience; performance.now() < end; await sleep(50)) {
    const { kind } = await directories.find(mailAddress('user0', 'example.com'))
    if (kind === 'found') return true
  }
  return false
}
