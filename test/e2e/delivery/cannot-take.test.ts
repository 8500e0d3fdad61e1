/**
 * A host that cannot take a message is not the whole place: the next one is asked, and only when none
 * can, it is final. SIZE is that of all octets sent.
 */
import assert from 'node:assert/strict'

import { FaultServer } from '../../harness/fault-server.js'
import { SmtpClient, type GatewayProcess, type Reply } from '../../harness/haraka.js'
import { eventually, startDeliveryGateway } from './faults.js'

const all = ['PIPELINING', 'SIZE 100000', '8BITMIME', 'SMTPUTF8']
const without = (keyword: string): string[] => all.filter((one) => !one.startsWith(keyword))

/** Two hosts of a place, and a message that the first cannot take. */
const cases = {
  smtputf8: {
    first: without('SMTPUTF8'),
    to: 'jörg',
    parameters: 'SMTPUTF8',
    text: 'x',
    refusal: /^550 5\.6\.7 /u,
  },
  'size-1000': {
    first: [...without('SIZE'), 'SIZE 1000'],
    to: 'ann',
    parameters: '',
    text: 'x'.repeat(70),
    refusal: /^550 5\.3\.4 /u,
  },
  '8bitmime': {
    first: without('8BITMIME'),
    to: 'ann',
    parameters: 'BODY=8BITMIME',
    text: 'grüße',
    refusal: /^550 5\.6\.3 /u,
  },
} as const

describe('hosts that cannot take a message', function () {
  this.timeout(60_000)

  const servers: FaultServer[] = []
  const pairs = new Map<string, readonly [FaultServer, FaultServer]>()
  let gateway: GatewayProcess

  before(async () => {
    const start = async (extensions: readonly string[]): Promise<FaultServer> => {
      const server = await FaultServer.start({ host: '127.0.0.2', extensions })
      servers.push(server)
      return server
    }
    for (const [name, { first }] of Object.entries(cases)) {
      pairs.set(name, [await start(first), await start(all)])
      pairs.set(`${name}-both`, [await start(first), await start(first)])
      pairs.set(`${name}-down`, [await start(first), await start(all)])
    }
    gateway = await startDeliveryGateway({
      ways: Object.fromEntries(
        [...pairs].map(([name, hosts]) => {
          const smartHosts = hosts.map(({ smartHost }) => smartHost).join(', ')
          const settings = ['tls = none', 'retry = 2s']
          return [name, { domains: [`${name}.example`], smartHosts, settings }]
        }),
      ),
    })
  })

  after(async () => {
    await gateway?.stop()
    await Promise.all(servers.map((server) => server.stop()))
  })

  async function transmit(to: string, parameters: string, data: string): Promise<Reply> {
    const client = await SmtpClient.connect(gateway)
    try {
      await client.ehlo()
      for (const reply of [
        await client.mail('a@sender.example', parameters),
        await client.rcpt(to),
      ]) {
        assert.equal(reply.code, 250, reply.text)
      }
      return await client.data(data)
    } finally {
      await client.quit()
    }
  }

  for (const [name, { to, parameters, text, refusal }] of Object.entries(cases)) {
    const message = `Subject: x\r\n\r\n${`${text}\r\n`.repeat(30)}`
    const hostsOf = (which: string): readonly [FaultServer, FaultServer] => {
      const pair = pairs.get(which)
      assert.ok(pair)
      return pair
    }

    it(`${name}: the other host takes it, whichever is asked first`, async () => {
      const [first, second] = hostsOf(name)
      for (let time = 0; time < 8; time++) {
        const reply = await transmit(`${to}@${name}.example`, parameters, message)
        assert.match(reply.text, /^250 2\.0\.0 taken/u)
      }
      assert.deepEqual([first.messages.length, second.messages.length], [0, 8])
      // and what the first one can take, it takes as before
      const small = 'Subject: x\r\n\r\nx\r\n'
      for (let time = 0; time < 12; time++) {
        assert.equal((await transmit(`ann@${name}.example`, '', small)).code, 250)
      }
      assert.ok(first.messages.length > 0, 'the first host gets nothing any more')
    })

    it(`${name}: no host can take it: refused, and other mail is taken`, async () => {
      const reply = await transmit(`${to}@${name}-both.example`, parameters, message)
      assert.match(reply.text, refusal)
      const small = await transmit(`ann@${name}-both.example`, '', 'Subject: x\r\n\r\nx\r\n')
      assert.match(small.text, /^250 2\.0\.0 taken/u)
    })

    it(`${name}: the host that can is down: it waits for that one`, async () => {
      const [first, second] = hostsOf(`${name}-down`)
      await second.stop()
      const reply = await transmit(`${to}@${name}-down.example`, parameters, message)
      assert.match(reply.text, /^250 2\.0\.0 queued/u)
      await second.start()
      await eventually(() => (second.messages.length === 1 ? undefined : 'not delivered'))
      assert.equal(first.messages.length, 0)
    })
  }

  it('SIZE is that of all octets sent, whatever a body line says', async () => {
    const hosts = pairs.get('smtputf8') ?? []
    const bodies = ['x\r\n', `--headers--\r\n${'y'.repeat(500)}\r\n`, `a\r\n--headers--\r\nb\r\n`]
    for (const body of bodies) {
      for (const host of hosts) host.memory.clear()
      const data = `Subject: x\r\nX-More: ${'z'.repeat(40)}\r\n\r\n${body}`
      assert.equal((await transmit('ann@smtputf8.example', '', data)).code, 250)
      const host = hosts.find(({ messages }) => messages.length === 1)
      const told = host?.commands.map((line) => / SIZE=(\d+)/u.exec(line)?.[1]).find(Boolean)
      assert.equal(Number(told), host?.messages[0]?.wire.length, body)
    }
  })
})
