/**
 * A gateway with one directory and three hosts to deliver to: its mailbox host, a second one that the
 * directory names, and another system. Tells where each recipient's message arrives.
 */
import assert from 'node:assert/strict'

import { Catcher, send, startGateway, type GatewayProcess } from '../harness/haraka.js'

export interface Where {
  readonly own?: readonly string[]
  readonly second?: readonly string[]
  readonly remote?: readonly string[]
  /** answered 550 */
  readonly unknown: readonly string[]
}

const hosts = ['own', 'second', 'remote'] as const

export class Site {
  readonly catchers = new Map<(typeof hosts)[number], Catcher>()
  gateway: GatewayProcess | undefined

  async start(): Promise<void> {
    for (const [index, name] of hosts.entries()) {
      const protocol = name === 'remote' ? 'smtp' : 'lmtp'
      this.catchers.set(name, await Catcher.start({ host: `127.0.0.${index + 2}`, protocol }))
    }
  }

  async stop(): Promise<void> {
    await this.gateway?.stop()
    for (const catcher of this.catchers.values()) await catcher.stop()
  }

  /** A gateway whose directory has these lines and that file. */
  async open(
    lines: readonly string[],
    files: Record<string, string> = {},
  ): Promise<GatewayProcess> {
    await this.gateway?.stop()
    for (const catcher of this.catchers.values()) catcher.reset()
    this.gateway = await startGateway({
      plugins: [
        'address-space/accepted-domains',
        'address-space/contacts',
        'address-space/connectors',
      ],
      config: {
        'accepted-domains.ini': 'authoritative = example.com\npostmaster = anna@example.com\n',
        'directory.ini': [
          '[corp]',
          ...lines,
          `mailbox_host = ${this.host('own')}`,
          '[corp hosts]',
          `mail2.example.com = ${this.host('second')}`,
          '',
        ].join('\n'),
        'connectors.ini': `[remote]\naddress_spaces = remote.domain, unix.example.com\nsmart_hosts = ${this.host('remote')}\nallow_relay = true\n`,
        ...files,
      },
    })
    return this.gateway
  }

  /** Sends to all, and looks where each arrives; by the address that arrives. */
  async arrives(where: Where, asked: Readonly<Record<string, string>> = {}): Promise<void> {
    assert(this.gateway)
    const expected = hosts.flatMap((name) => (where[name] ?? []).map((to) => ({ name, to })))
    const to = [...expected.map((one) => asked[one.to] ?? one.to), ...where.unknown]
    const { rcpt, data } = await send(this.gateway, { from: 'sender@client.example', to })
    assert.deepEqual(
      to.map((address, index) => `${address} ${rcpt[index]?.code}`),
      to.map((address) => `${address} ${where.unknown.includes(address) ? 550 : 250}`),
    )
    assert.equal(data?.code, 250)
    for (const name of hosts) {
      const wanted = (where[name] ?? []).toSorted()
      const catcher = this.catchers.get(name)
      if (wanted.length === 0) assert.equal(catcher?.messages.length, 0, name)
      else {
        const [message] = (await catcher?.waitFor(1)) ?? []
        assert.deepEqual([...(message?.to ?? [])].toSorted(), wanted, name)
      }
    }
  }

  private host(name: (typeof hosts)[number]): string {
    return this.catchers.get(name)?.smartHost ?? ''
  }
}
