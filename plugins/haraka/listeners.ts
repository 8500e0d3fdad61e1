/**
 * Which addresses and ports are this gateway itself: where its Haraka listens. A listener on every
 * address counts with every address of the machine; another port of the same machine is another
 * server. Smart hosts that are the gateway itself would be a loop of one.
 */
import { networkInterfaces } from 'node:os'

import { plainIp } from '../mail/ip-address.js'

export interface Listener {
  /** an IP address; `::` and `0.0.0.0` are every address */
  readonly host: string
  readonly port: number
}

/** Reads Haraka's `listen`, `listen_host` and `port` of smtp.ini; its default is every address, port 25. */
export function parseListeners(
  main: Readonly<Record<string, string | number | boolean | undefined>>,
): Listener[] {
  const texts = String(main.listen ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
  const listeners = texts.flatMap((text) => {
    const match = /^\[?([0-9a-f:.]+?)\]?(?::(\d+))?$/iu.exec(text)
    return match?.[1] === undefined ? [] : [{ host: match[1], port: Number(match[2] ?? 25) }]
  })
  if (main.port !== undefined && main.port !== '') {
    const host = String(main.listen_host ?? '::').replace(/[[\]]/gu, '')
    listeners.push({ host, port: Number(main.port) })
  }
  return listeners.length > 0 ? listeners : [{ host: '::', port: 25 }]
}

/**
 * Where this gateway can be reached from its own machine, the best first. Ports for clients that log in
 * (587) or speak TLS from the first octet (465) take no mail from another system.
 */
export function reachable(listeners: readonly Listener[]): Listener[] {
  return listeners
    .filter(({ port }) => port !== 465 && port !== 587)
    .flatMap(({ host, port }) => {
      if (host === '0.0.0.0') return [{ host: '127.0.0.1', port }]
      if (!/^[0:]+$/u.test(host)) return [{ host, port }]
      return [
        { host: '127.0.0.1', port },
        { host: '::1', port },
      ]
    })
}

/** Tells whether an IP address and port are one of the listeners. */
export function selfTest(
  listeners: readonly Listener[],
  ownAddresses: () => readonly string[] = machineAddresses,
): (ip: string, port: number) => boolean {
  return (ip, port) => {
    const asked = plainIp(ip)
    return listeners.some(({ host, port: listening }) => {
      if (listening !== port) return false
      if (!/^(0\.0\.0\.0|[0:]+)$/u.test(host)) return plainIp(host) === asked
      return asked.startsWith('127.') || ownAddresses().includes(asked)
    })
  }
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => plainIp(address)),
  )
}
