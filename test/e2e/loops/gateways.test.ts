/**
 * Gateways of ours beside and behind one another: two that share a domain, neither authoritative; a
 * chain of three, and the same closed to a ring; contacts that point at each other; bridgeheads that
 * name each other. All have one secret and call their connectors alike, and none knows where the
 * others send from: what ends a message here are the tokens alone.
 */
import assert from 'node:assert/strict'

import { Catcher, send, type GatewayProcess, type Reply } from '../../harness/haraka.js'
import {
  connector,
  drained,
  hops,
  makeGateways,
  passages,
  sender,
  stranger,
  type Configure,
} from './site.js'

// a directory without any address would say nothing of anybody
const head = `dn,objectClass,proxyAddresses,targetAddress
"CN=Somebody",user,smtp:somebody@elsewhere.example,
`
const person = (name: string): string => `"CN=${name}",user,smtp:${name}@example.com,\n`
const contact = (name: string, target: string): string =>
  `"CN=${name}",contact,smtp:${name}@example.com,SMTP:${target}@example.com\n`

let mailboxes: Catcher[]
let home: Catcher

function files(people: string, index: number, ...connectors: string[]): Record<string, string> {
  return {
    'accepted-domains.ini': 'shared = example.com\npostmaster = postmaster@example.com\n',
    'directory.ini': `[corp]\nurl = file:people.csv\nmailbox_host = ${mailboxes[index]?.smartHost}\n`,
    'people.csv': head + people,
    'connectors.ini': `${connectors.join('')}${connector('home', 'client.example', home.smartHost)}`,
  }
}

/** The reply that the client heard last. */
async function answerTo(gateway: GatewayProcess, to: string): Promise<Reply | undefined> {
  const outcome = await send(gateway, { from: sender, to: [to], localAddress: stranger })
  return outcome.data ?? outcome.rcpt[0]
}

const codes = (reply: Reply | undefined): unknown[] => [reply?.code, reply?.enhanced]
const arrivals = (): number[] => [...mailboxes, home].map(({ messages }) => messages.length)

describe('gateways that do not know where the others send from', () => {
  let gateways: GatewayProcess[] = []

  before(async () => {
    mailboxes = await Promise.all(
      ['127.0.0.21', '127.0.0.22', '127.0.0.23'].map((host) => Catcher.start({ host })),
    )
    home = await Catcher.start({ host: '127.0.0.24' })
  })
  after(() => Promise.all([...mailboxes, home].map((catcher) => catcher.stop())))
  afterEach(() => {
    for (const catcher of [...mailboxes, home]) catcher.reset()
  })

  function withGateways(configure: () => readonly Configure[]): void {
    before(async function () {
      this.timeout(60_000)
      gateways = await makeGateways(configure())
      await Promise.all(gateways.map((gateway) => gateway.start()))
    })
    after(() => Promise.all(gateways.map((gateway) => gateway.stop())))
  }
  const first = (): GatewayProcess => gateways[0] as GatewayProcess

  for (const delivery of ['direct', 'queue']) {
    describe(`two, neither authoritative, delivery = ${delivery}`, () => {
      const next = (host = ''): string =>
        connector('next', 'example.com', host, `delivery = ${delivery}`)
      withGateways(() => [
        ([, second]) => files(person('anna') + contact('ping', 'pong'), 0, next(second)),
        ([one]) => files(person('bert') + contact('pong', 'ping'), 1, next(one)),
      ])

      it('known recipients of both arrive', async () => {
        assert.equal((await answerTo(first(), 'anna@example.com'))?.code, 250)
        assert.equal((await answerTo(first(), 'bert@example.com'))?.code, 250)
        await Promise.all([mailboxes[0]?.waitFor(1), mailboxes[1]?.waitFor(1)])
        await drained(gateways)
        assert.deepEqual(arrivals(), [1, 1, 0, 0])
        assert.equal(hops(mailboxes[1]?.messages[0]?.raw ?? Buffer.of()), 2)
      })

      const endless: [what: string, to: string, others: string[]][] = [
        ['an unknown recipient', 'nobody@example.com', []],
        ['contacts that point at each other', 'ping@example.com', ['pong@example.com']],
      ]
      for (const [what, to, others] of endless) {
        it(`${what}: two passages, one more to be refused, one answer`, async () => {
          const reply = await answerTo(first(), to)
          if (delivery === 'direct') {
            assert.deepEqual(codes(reply), [550, '5.4.6'])
          } else {
            assert.equal(reply?.code, 250)
            const [report] = await home.waitFor(1)
            assert.equal(report?.from, '')
            assert.match(report?.raw.toString() ?? '', /^Status: 5\.4\.6/mu)
            assert.equal(hops(report?.raw ?? Buffer.of()), 2)
          }
          await drained(gateways)
          const seen = await Promise.all(
            [to, ...others].map((one) => passages(gateways, one, others.length > 0 ? 1 : 3)),
          )
          assert.equal(
            seen.reduce((sum, count) => sum + count),
            3,
          )
          assert.deepEqual(arrivals(), [0, 0, 0, delivery === 'queue' ? 1 : 0])
        })
      }
    })
  }

  describe('two that ask each other about recipients', () => {
    const next = (host = ''): string =>
      connector('next', 'example.com', host, 'verify_recipients = true')
    withGateways(() => [
      ([, second]) => files('', 0, next(second)),
      ([one]) => files(person('bert'), 1, next(one)),
    ])

    it('do not pass the question on, and an unknown recipient ends as a loop', async () => {
      assert.deepEqual(codes(await answerTo(first(), 'nobody@example.com')), [550, '5.4.6'])
      // three passages, and two questions: first to second, second to first
      assert.equal(await passages(gateways, 'nobody@example.com', 5), 5)
      assert.equal((await answerTo(first(), 'bert@example.com'))?.code, 250)
      assert.deepEqual(arrivals(), [0, 1, 0, 0])
    })
  })

  describe('a chain of three, and a ring', () => {
    const next = (host = ''): string => connector('next', 'example.com', host)
    withGateways(() => [
      ([, second]) => files(person('anna'), 0, next(second)),
      ([, , third]) => files(person('bert'), 1, next(third)),
      () => ({
        ...files(person('carl'), 2),
        'accepted-domains.ini': 'authoritative = example.com\npostmaster = carl@example.com\n',
      }),
    ])

    it('known recipients of all three arrive by way of the first', async () => {
      for (const name of ['anna', 'bert', 'carl']) {
        assert.equal((await answerTo(first(), `${name}@example.com`))?.code, 250, name)
      }
      assert.deepEqual(arrivals(), [1, 1, 1, 0])
      assert.equal(hops(mailboxes[2]?.messages[0]?.raw ?? Buffer.of()), 3)
    })

    it('an unknown one is refused by the last, and the client hears its words', async () => {
      assert.deepEqual(codes(await answerTo(first(), 'nobody@example.com')), [550, '5.1.1'])
      assert.equal(await passages(gateways, 'nobody@example.com', 3), 3)
    })

    it('closed to a ring: the first refuses what comes back, known ones arrive', async function () {
      this.timeout(30_000)
      const [one, , third] = gateways
      const ring = files(person('carl'), 2, next(`[${one?.host}]:${one?.port}`))
      for (const [name, content] of Object.entries(ring)) await third?.writeConfig(name, content)
      await third?.restart()
      assert.deepEqual(codes(await answerTo(first(), 'noone@example.com')), [550, '5.4.6'])
      assert.equal(await passages(gateways, 'noone@example.com', 4), 4)
      assert.equal((await answerTo(first(), 'carl@example.com'))?.code, 250)
      assert.deepEqual(arrivals(), [0, 0, 1, 0])
      await drained(gateways)
    })
  })

  describe('bridgeheads', () => {
    const to = (hosts: string, bridgehead = ''): string =>
      connector('next', 'example.com', hosts, `bridgeheads = ${bridgehead}`)
    withGateways(() => [
      ([, second]) => files('', 0, to(mailboxes[0]?.smartHost ?? '', second)),
      ([, second]) => files('', 1, to(mailboxes[0]?.smartHost ?? '', second)),
      ([one]) => files('', 2, to(mailboxes[0]?.smartHost ?? '', one)),
    ])

    it('one hands to the bridgehead, which delivers', async () => {
      assert.equal((await answerTo(first(), 'anna@example.com'))?.code, 250)
      assert.deepEqual(arrivals(), [1, 0, 0, 0])
      assert.equal(hops(mailboxes[0]?.messages[0]?.raw ?? Buffer.of()), 2)
    })

    it('what comes back from the next system is a loop at each of them', async () => {
      await answerTo(first(), 'bert@example.com')
      const data = mailboxes[0]?.messages[0]?.raw ?? ''
      for (const gateway of gateways.slice(0, 2)) {
        const mail = { from: sender, to: ['bert@example.com'], data, localAddress: stranger }
        const { data: reply } = await send(gateway, mail)
        assert.deepEqual(codes(reply), [550, '5.4.6'])
      }
    })

    it('that name each other hand nothing to and fro', async function () {
      this.timeout(30_000)
      const [, second, third] = gateways
      const wrong = files(
        '',
        1,
        to(mailboxes[0]?.smartHost ?? '', `[${third?.host}]:${third?.port}`),
      )
      await second?.writeConfig('connectors.ini', wrong['connectors.ini'] ?? '')
      await second?.restart()
      // first → second → third → first
      assert.deepEqual(codes(await answerTo(first(), 'carl@example.com')), [550, '5.4.6'])
      assert.equal(await passages(gateways, 'carl@example.com', 4), 4)
      assert.deepEqual(arrivals(), [0, 0, 0, 0])
      await drained(gateways)
    })
  })
})
