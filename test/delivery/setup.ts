/** A Deliverer without Haraka, for what needs no queue: targets, verification, addresses. */
import type { MxRecord } from 'node:dns'

import {
  parseConnectorsConfig,
  type ConnectorsConfig,
} from '../../plugins/decision/connectors-config.js'
import type { Dns } from '../../plugins/delivery/hosts/resolver.js'
import type { DeliverySetup } from '../../plugins/delivery/setup.js'
import { parseSmartHost } from '../../plugins/mail/smart-host.js'
import type { HarakaOutbound } from '../../plugins/haraka/outbound.js'

export const silentLog = {
  debug: () => undefined,
  info: () => undefined,
  notice: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  crit: () => undefined,
}

export interface TestSetup {
  /** lines of connectors.ini */
  readonly connectors: string
  readonly mailboxHost?: string
  /** `ip:port` of this gateway */
  readonly self?: string
}

export function setupOf({ connectors, mailboxHost = '', self = '' }: TestSetup): DeliverySetup {
  const config: ConnectorsConfig = parseConnectorsConfig(connectors.split('\n'))
  return {
    connector: (name) => config.connectors.get(name),
    mailboxHost: () => parseSmartHost(mailboxHost),
    gatewayName: 'gateway.example',
    gatewayId: () => 'gateway.example',
    outbound: {} as HarakaOutbound,
    env: { configDir: '/nonexistent', log: silentLog },
    loopField: () => '',
    isSelf: (ip, port) => `${ip}:${port}` === self,
  }
}

/** DNS out of a table; a name that is not in it does not exist, an Error is what is thrown. */
export class TableDns implements Dns {
  readonly asked: string[] = []
  table: Record<string, readonly MxRecord[] | readonly string[] | Error>

  constructor(table: TableDns['table']) {
    this.table = table
  }

  resolveMx(domain: string): Promise<MxRecord[]> {
    return this.answer(`MX ${domain}`) as Promise<MxRecord[]>
  }

  lookup(host: string): Promise<string[]> {
    return this.answer(`A ${host}`) as Promise<string[]>
  }

  private answer(question: string): Promise<unknown[]> {
    this.asked.push(question)
    const answer = this.table[question]
    if (answer instanceof Error) return Promise.reject(answer)
    if (answer) return Promise.resolve([...answer])
    return Promise.reject(Object.assign(new Error(`${question} ENOTFOUND`), { code: 'ENOTFOUND' }))
  }
}
