/** A replica for the tests: opened over real servers, asked until it answers; and the people in its directory. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { parseMailAddress } from '../../plugins/mail/mail-address.js'
import { parseDirectoryConfig } from '../../plugins/directory/config.js'
import { openDirectories, type DirectorySet } from '../../plugins/directory/open.js'
import { testEnvironment, type KeptLog } from './environment.js'

const patience = 20_000

export interface Server {
  readonly url: string
  readonly baseDn: string
  readonly bindDn: string
  readonly password: string
}

export interface Opened {
  readonly directories: DirectorySet
  readonly log: KeptLog
}

/** `more` are lines of the section. */
export function open(
  servers: readonly Server[],
  stateDir: string | undefined,
  more: readonly string[] = [],
): Opened {
  const [first] = servers
  assert(first)
  const env = testEnvironment('/')
  const config = parseDirectoryConfig([
    '[corp]',
    `url = ${servers.map(({ url }) => url).join(', ')}`,
    `base_dn = ${first.baseDn}`,
    `bind_dn = ${first.bindDn}`,
    `bind_password = ${first.password}`,
    'filter = (|(proxyAddresses=smtp:{address})(mail={address}))',
    'mode = replica',
    ...more,
  ])
  return { directories: openDirectories(config, env, { stateDir }), log: env.log }
}

export async function answer({ directories }: Opened, text: string): Promise<string> {
  const address = parseMailAddress(text)
  assert(address)
  return (await directories.find(address)).kind
}

/** Waits until all addresses are answered so. */
export async function until(
  opened: Opened,
  expected: string,
  addresses: readonly string[],
): Promise<void> {
  const end = performance.now() + patience
  for (;;) {
    const answers = await Promise.all(addresses.map((address) => answer(opened, address)))
    const wrong = addresses.filter((_, index) => answers[index] !== expected)
    if (wrong.length === 0) return
    if (performance.now() > end) {
      assert.fail(
        `not ${expected}: ${wrong.slice(0, 5).join(' ')} …\n${opened.log.lines.join('\n')}`,
      )
    }
    await sleep(100)
  }
}

export async function untilLogged({ log }: Opened, pattern: RegExp): Promise<void> {
  const end = performance.now() + patience
  while (!log.lines.some((line) => pattern.test(line))) {
    if (performance.now() > end) assert.fail(`no ${pattern}:\n${log.lines.join('\n')}`)
    await sleep(50)
  }
}

export const address = (index: number): string => `user${index}@example.com`
export const addresses = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => address(from + index))
const dn = (index: number, base: string): string => `CN=user${index},${base}`

export const ldif = (from: number, to: number, base: string): string =>
  Array.from({ length: to - from }, (_, index) =>
    [
      `dn: ${dn(from + index, base)}`,
      'objectClass: contact',
      `proxyAddresses: SMTP:${address(from + index)}`,
      `targetAddress: SMTP:${address(from + index)}`,
      '',
    ].join('\n'),
  ).join('\n')

const change = (record: string): string => `${record}\n\n`
export const readdressed = (index: number, base: string): string =>
  change(
    `dn: ${dn(index, base)}\nchangetype: modify\nreplace: proxyAddresses\nproxyAddresses: SMTP:new${index}@example.com`,
  )
export const without = (index: number, base: string): string =>
  change(`dn: ${dn(index, base)}\nchangetype: modify\ndelete: proxyAddresses`)
export const renamed = (index: number, base: string): string =>
  change(`dn: ${dn(index, base)}\nchangetype: modrdn\nnewrdn: CN=renamed${index}\ndeleteoldrdn: 1`)
export const deleted = (index: number, base: string): string =>
  change(`dn: ${dn(index, base)}\nchangetype: delete`)
