/** The journal of a running gateway: what stands in it of each message, from every process. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import type { JournalLine } from '../../../plugins/operations/journal/journal-line.js'
import { readJournal } from '../../../plugins/operations/journal/journal-reader.js'
import { Catcher, send, startGateway, type GatewayProcess } from '../../harness/haraka.js'
import { eventually } from '../delivery/faults.js'

const config = {
  'accepted-domains.ini': 'relay = unix.example\npostmaster = postmaster@unix.example\n',
}

function connectors(smartHost: string): string {
  return `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${smartHost}\nallow_relay = true\n`
}

async function journalOf(gateway: GatewayProcess): Promise<JournalLine[]> {
  const lines: JournalLine[] = []
  for await (const line of readJournal(join(gateway.dir, 'journal'))) lines.push(line)
  return lines
}

describe('the journal of a gateway', function () {
  this.timeout(60_000)
  let unix: Catcher

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
  })
  after(() => unix.stop())

  for (const nodes of [0, 2]) {
    it(`has client, sender and each decision (nodes = ${nodes}); also after a folder was removed`, async () => {
      const gateway = await startGateway({
        plugins: ['address-space/accepted-domains', 'address-space/connectors'],
        nodes,
        config: {
          ...config,
          'connectors.ini': connectors(unix.smartHost),
          'address-space.ini': '[journal]\n',
        },
      })
      try {
        const mail = (number: number): Promise<unknown> =>
          send(gateway, {
            from: `a${number}@client.example`,
            to: [`u${number}@unix.example`, 'nobody@foreign.example'],
            data: `Message-ID: <m${number}@client.example>\r\nSubject: a secret\r\n\r\nbody of it\r\n`,
          })
        for (let number = 0; number < 6; number++) await mail(number)
        let lines: JournalLine[] = []
        await eventually(async () => {
          lines = await journalOf(gateway)
          const seen = lines.filter(({ kind }) => kind === 'received').length
          return seen === 6 ? undefined : `${seen} of 6 messages`
        })
        const [received] = lines.filter((line) => line.kind === 'received')
        assert(received?.kind === 'received')
        assert.match(received.messageId, /^m\d@client\.example$/u)
        assert.match(received.sender, /^a\d@client\.example$/u)
        assert.equal(received.client.ip, '127.0.0.1')
        const decided = lines.flatMap((line) => (line.kind === 'decided' ? [line] : []))
        assert.equal(decided.length, 12)
        const [yes] = decided.filter(({ original }) => original.endsWith('unix.example'))
        const [no] = decided.filter(({ original }) => original.endsWith('foreign.example'))
        assert.deepEqual([yes?.decision, yes?.place], ['relay', 'connector:unix'])
        assert.deepEqual([no?.decision, no?.reply], ['relaying-denied', '550 5.7.1'])
        assert.match(no?.sender ?? '', /^a\d@client\.example$/u)
        assert.doesNotMatch(JSON.stringify(lines), /secret|body of it/u)

        rmSync(join(gateway.dir, 'journal'), { recursive: true })
        await mail(7)
        await eventually(() =>
          existsSync(join(gateway.dir, 'journal')) ? undefined : 'no folder yet',
        )
        await gateway.stop()
        assert.match(JSON.stringify(await journalOf(gateway)), /m7@client\.example/u)
      } finally {
        await gateway.stop()
      }
    })
  }

  it('a loop is told; without the section there is no journal', async () => {
    const gateway = await startGateway({
      plugins: ['address-space/accepted-domains', 'address-space/connectors'],
      config: {
        ...config,
        'connectors.ini': `[main]\nmax_hops = 3\n${connectors(unix.smartHost)}`,
        'address-space.ini': '[journal]\n',
      },
    })
    try {
      const hops = 'Received: from a by b; Mon, 1 Jan 2026 00:00:00 +0000\r\n'.repeat(4)
      const { data } = await send(gateway, {
        from: 'a@client.example',
        to: ['u@unix.example'],
        data: `${hops}Message-ID: <loop@client.example>\r\n\r\nbody\r\n`,
      })
      assert.equal(data?.code, 550)
      await gateway.stop()
      const [loop] = (await journalOf(gateway)).filter(({ kind }) => kind === 'loop')
      assert(loop?.kind === 'loop')
      assert.equal(loop.original, 'u@unix.example')
      assert.match(loop.reply, /too many hops/u)
      await gateway.writeConfig('address-space.ini', '; nothing\n')
      rmSync(join(gateway.dir, 'journal'), { recursive: true })
      await gateway.start()
      await send(gateway, { from: 'a@client.example', to: ['u@unix.example'] })
      await gateway.stop()
      assert.equal(existsSync(join(gateway.dir, 'journal')), false)
    } finally {
      await gateway.stop()
    }
  })

  it('an address-space.ini with errors stops Haraka, which names them', async () => {
    const gateway = startGateway({
      plugins: ['address-space/accepted-domains'],
      config: { ...config, 'address-space.ini': '[journal]\nkeep = for ever\n' },
    })
    await assert.rejects(gateway, /address-space\.ini \[journal\] keep: expected a time such as/u)
    assert.ok(readFileSync(__filename).length > 0)
  })
})
