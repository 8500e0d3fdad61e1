/**
 * What the journal costs: the same messages through a gateway with and without `[journal]`, in turns,
 * handed over directly to a host. Compared is the gateway's processor time for a message, and beside
 * it the messages a second: on a machine that does other things too, the first tells more.
 *
 *   npm run journal-cost                          6 rounds of 2,000 messages each
 *   npm run journal-cost -- --rounds 2 --messages 500
 *
 * Prints each round and the medians. Exits 1 if the journal costs 3 % of processor time or more.
 */
import { parseArgs } from 'node:util'

import { buildIfStale } from './build.js'
import { processorSeconds } from './bench/usage.js'
import { median } from './bench/statistics.js'
import { Catcher, SmtpClient, startGateway, type GatewayProcess } from '../test/harness/haraka.js'

interface Measured {
  /** milliseconds of processor time for a message */
  readonly processor: number
  readonly perSecond: number
}

interface Options {
  readonly messages: number
  readonly clients: number
}

const most = 0.03

async function sendAll(gateway: GatewayProcess, { messages, clients }: Options): Promise<void> {
  let left = messages
  const body = 'x'.repeat(70)
  const data = `Subject: cost\r\n\r\n${`${body}\r\n`.repeat(50)}`
  const one = async (): Promise<void> => {
    const client = await SmtpClient.connect(gateway)
    await client.ehlo()
    while (left-- > 0) {
      await client.mail('a@client.example')
      await client.rcpt('b@unix.example')
      const reply = await client.data(data)
      if (reply.code !== 250) throw new Error(`expected 250, got ${reply.text}`)
    }
    await client.quit()
  }
  await Promise.all(Array.from({ length: clients }, one))
}

async function round(smartHost: string, journal: boolean, options: Options): Promise<Measured> {
  const gateway = await startGateway({
    plugins: ['address-space/accepted-domains', 'address-space/connectors'],
    logLevel: 'notice',
    config: {
      'accepted-domains.ini': 'relay = unix.example\npostmaster = p@unix.example\n',
      'connectors.ini': `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${smartHost}\nallow_relay = true\n`,
      ...(journal && { 'address-space.ini': '[journal]\n' }),
    },
  })
  try {
    // the code gets warm
    await sendAll(gateway, { ...options, messages: Math.ceil(options.messages / 2) })
    const pid = gateway.pid ?? 0
    const [before, started] = [processorSeconds(pid), performance.now()]
    await sendAll(gateway, options)
    const seconds = (performance.now() - started) / 1000
    const processor = ((processorSeconds(pid) - before) * 1000) / options.messages
    return { processor, perSecond: options.messages / seconds }
  } finally {
    await gateway.stop()
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '6' },
      messages: { type: 'string', default: '2000' },
      clients: { type: 'string', default: '10' },
    },
  })
  await buildIfStale()
  const options = { messages: Number(values.messages), clients: Number(values.clients) }
  const host = await Catcher.start({ host: '127.0.0.2' })
  const withJournal: Measured[] = []
  const without: Measured[] = []
  for (let number = 0; number < Number(values.rounds); number++) {
    // who is first changes with each round
    for (const journal of number % 2 === 0 ? [false, true] : [true, false]) {
      const measured = await round(host.smartHost, journal, options)
      host.messages.length = 0
      ;(journal ? withJournal : without).push(measured)
      const name = journal ? 'with   ' : 'without'
      console.log(
        `${name} ${measured.processor.toFixed(3)} ms of processor time a message, ${measured.perSecond.toFixed(0)} messages/s`,
      )
    }
  }
  await host.stop()
  const cost = (of: (one: Measured) => number): number =>
    median(withJournal.map(of)) / median(without.map(of)) - 1
  const processor = cost(({ processor }) => processor)
  const perSecond = cost(({ perSecond }) => perSecond)
  console.log(
    `the journal costs ${(processor * 100).toFixed(1)} % of processor time; throughput ${(perSecond * 100).toFixed(1)} %`,
  )
  if (processor >= most) process.exitCode = 1
}

void main()
