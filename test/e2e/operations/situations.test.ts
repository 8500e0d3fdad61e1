/**
 * docs/what-to-do-when.md acted out: each situation is brought about on a running gateway, the page's
 * own commands are run, and the answer that the page promises is found. A command that stands on the
 * page and is run by no situation here is an error.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand, type CommandRun } from '../../cli/command.js'
import { FaultServer } from '../../harness/fault-server.js'
import { makeGateway, send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually } from '../delivery/faults.js'

const page = readFileSync(join(__dirname, '../../../docs/what-to-do-when.md'), 'utf8')
const commands = [...page.matchAll(/^npx address-space (.*)$/gmu)].map(([, text = '']) => text)
/** run by test/cli/docs.test.ts on a real LDAP server */
const elsewhere = ['export --directory corp --all config/corp.csv']

const people = [
  'objectClass,dn,cn,proxyAddresses,targetAddress,mail,mailnickname',
  'user,"cn=Anna,dc=corp",Anna,SMTP:anna@example.com,,anna@example.com,anna',
  'user,"cn=Twin 1,dc=corp",Twin 1,SMTP:twin@example.com,,twin1@corp.example,twin1',
  'user,"cn=Twin 2,dc=corp",Twin 2,SMTP:twin@example.com,,twin2@corp.example,twin2',
  '',
].join('\n')

describe('what to do when …', function () {
  this.timeout(120_000)
  let unix: FaultServer
  let sender: FaultServer
  let gateway: GatewayProcess
  const done = new Set<string>()

  before(async () => {
    unix = await FaultServer.start({ host: '127.0.0.2' })
    sender = await FaultServer.start({ host: '127.0.0.3' })
    gateway = await make()
    await gateway.start()
  })
  after(async () => {
    await gateway.stop()
    await Promise.all([unix, sender].map((server) => server.stop()))
  })
  beforeEach(() => unix.change({}))

  function connectors(): string {
    const section = (name: string, spaces: string, host: string): string =>
      `[${name}]\naddress_spaces = ${spaces}\nsmart_hosts = ${host}\nallow_relay = true\nretry = 1h\ndelivery = queue\n`
    return `[main]\nmax_hops = 5\n${section('unix', 'example.com', unix.smartHost)}${section('sender', 'sender.example', sender.smartHost)}`
  }

  function make(): Promise<GatewayProcess> {
    return makeGateway({
      plugins: ['address-space/accepted-domains', 'address-space/connectors'],
      logLevel: 'notice',
      config: {
        'accepted-domains.ini':
          'authoritative = example.local\nshared = example.com\nrelay = sender.example\npostmaster = anna@example.com\n',
        'directory.ini': `[corp]\nurl = file:people.csv\nmailbox_host = ${unix.smartHost}\n`,
        'people.csv': people,
        'connectors.ini': connectors(),
        'address-space.ini': '[journal]\nkeep = 30d\n',
      },
    })
  }

  /** The command as it stands on the page, with what is only an example there replaced. */
  async function run(
    command: string,
    replaced: Readonly<Record<string, string>> = {},
  ): Promise<CommandRun> {
    assert.ok(commands.includes(command), `the page has no \`${command}\``)
    done.add(command)
    const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/gu)].map(
      ([, double, single, bare]) => double ?? single ?? bare ?? '',
    )
    const args = words.map((word) => replaced[word] ?? word)
    return runCommand([...args, '-c', gateway.dir])
  }

  async function mail(to: string, name: string, head = ''): Promise<number | undefined> {
    const data = `${head}Message-ID: <${name}@client.example>\r\nSubject: ${name}\r\n\r\nbody\r\n`
    const { data: reply, rcpt } = await send(gateway, { from: 'a@sender.example', to: [to], data })
    return reply?.code ?? rcpt[0]?.code
  }

  async function entry(): Promise<string> {
    let id = ''
    await eventually(async () => {
      const { stdout } = await runCommand(['queue', 'list', '--json', '-c', gateway.dir])
      const [first] = JSON.parse(stdout) as { id: string; attempts: number }[]
      id = first?.id ?? ''
      return (first?.attempts ?? 0) > 0 ? undefined : 'nothing waits for its next try'
    })
    return id
  }

  const down = { rcpt: () => '450 4.3.2 disks are full' }
  const exampleId = '5A6B7C8D-1111-2222-3333-444455556666.1.1'

  it('… a directory does not answer', async () => {
    const ini = `[corp]\nurl = ldap://127.0.0.9:1\nbase_dn = dc=corp\nmailbox_host = ${unix.smartHost}\n`
    const other = await make()
    await other.writeConfig('directory.ini', ini)
    await other.start()
    const { rcpt } = await send(other, { from: 'a@sender.example', to: ['anna@example.com'] })
    assert.equal(`${rcpt[0]?.code} ${rcpt[0]?.enhanced}`, '450 4.4.3')
    assert.match(other.log, /directory \[corp\]/u)
    assert.ok(commands.includes('check'))
    done.add('check')
    const { code, stdout } = await runCommand(['check', '-c', other.dir])
    assert.equal(code, 1)
    assert.match(stdout, /\[corp\].*ECONNREFUSED|ldap:\/\/127\.0\.0\.9:1/u)
    await other.stop()
  })

  it('… a recipient is refused that exists', async () => {
    const { stdout } = await run('explain anna@example.com')
    assert.match(stdout, /lookup +anna@example\.com: directory corp, cn=Anna,dc=corp: a mailbox/u)
  })

  it('… the queue grows', async () => {
    unix.change(down)
    assert.equal(await mail('walter@example.com', 'grows'), 250)
    const id = await entry()
    assert.match((await run('queue')).stdout, /^connector:unix +1 .*disks are full/mu)
    assert.match((await run('queue --ages')).stdout, /^connector:unix +1 +1 /mu)
    assert.match((await run('queue list unix')).stdout, /walter@example\.com/u)
    const shown = await run(`queue show ${exampleId}`, { [exampleId]: id })
    assert.match(shown.stdout, /attempt .* deferred .*450 4\.3\.2 disks are full/u)
    unix.change({})
    assert.match((await run('queue retry unix')).stdout, /1 message is tried now/u)
    await eventually(() => (unix.messages.length === 1 ? undefined : 'not delivered'))
  })

  it('… somebody asks where a message is', async () => {
    unix.change({ dot: '250 2.0.0 Ok: queued as 4X3Yz12abc' })
    assert.equal(await mail('anna@example.com', 'where'), 250)
    await eventually(() => (/<anna@.*delivered/u.test(gateway.log) ? undefined : 'not delivered'))
    const story = /<where@client\.example>[^]*decided[^]*delivered .*\(there: 4X3Yz12abc\)/u
    const named = { '<20260301.4711@client.example>': '<where@client.example>' }
    assert.match((await run("trace '<20260301.4711@client.example>'", named)).stdout, story)
    assert.match((await run('trace anna@example.com --since 2d')).stdout, story)
    assert.match((await run('trace 4X3Yz12abc')).stdout, story)
  })

  it('… another system is to be worked on', async () => {
    const before = unix.messages.length
    const paused = await run('queue pause unix --reason "new disks" --for 2h')
    assert.match(paused.stdout, /connector:unix is paused for 2 h/u)
    assert.equal(await mail('walter@example.com', 'held'), 250)
    assert.match((await run('explain walter@example.com')).stdout, /paused +.*new disks/u)
    assert.match(
      (await run('check --offline')).stdout,
      /connector:unix: is paused for .*new disks/u,
    )
    assert.equal(unix.messages.length, before)
    assert.equal((await run('queue resume unix')).code, 0)
    await eventually(() => (unix.messages.length > before ? undefined : 'not delivered'))
  })

  it('… a message must not arrive, or waits for nothing', async () => {
    unix.change(down)
    await mail('walter@example.com', 'given-back')
    const returned = await entry()
    assert.equal((await run(`queue return ${exampleId}`, { [exampleId]: returned })).code, 0)
    await eventually(() => (sender.messages.length === 1 ? undefined : 'no report'))
    await mail('walter@example.com', 'dropped')
    const dropped = await entry()
    const line = `queue drop ${exampleId}`
    assert.equal((await run(line, { [exampleId]: dropped })).code, 1)
    const { code } = await runCommand(['queue', 'drop', dropped, '-c', gateway.dir], {
      input: `${dropped}\n`,
    })
    assert.equal(code, 0)
    assert.equal(sender.messages.length, 1)
  })

  it('… a gateway is dead, and mail is in its queue', async () => {
    const other = await make()
    await other.start()
    unix.change(down)
    await send(other, { from: 'a@sender.example', to: ['walter@example.com'] })
    const line = 'queue adopt /mnt/old-gateway/queue'
    const there = { '/mnt/old-gateway/queue': join(other.dir, 'queue') }
    assert.match((await run(line, there)).stderr, /lives/u)
    await other.kill()
    const before = unix.messages.length
    unix.change({})
    assert.match((await run(line, there)).stdout, /1 message adopted/u)
    await eventually(() => (unix.messages.length > before ? undefined : 'not delivered'))
  })

  it('… a loop is refused (550 5.4.6)', async () => {
    const hops = 'Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n'.repeat(7)
    assert.equal(await mail('walter@example.com', 'loop', hops), 550)
    const { stdout } = await run('probe unix')
    assert.match(stdout, /accepts/u)
  })

  it('… "relaying denied" (550 5.7.1) for a domain of yours', async () => {
    const { stdout } = await run('explain walter@example.com --from 198.51.100.7')
    assert.match(stdout, /decision +shared/u)
    const foreign = await runCommand(['explain', 'x@foreign.example', '-c', gateway.dir])
    assert.match(foreign.stdout, /relaying-denied/u)
  })

  it('… an address is ambiguous (450 4.1.4)', async () => {
    const { rcpt } = await send(gateway, { from: 'a@sender.example', to: ['twin@example.com'] })
    assert.equal(`${rcpt[0]?.code} ${rcpt[0]?.enhanced}`, '450 4.1.4')
    assert.match(gateway.log, /Twin 1/u)
    assert.match((await run('check')).stdout, /cn=Twin 1,dc=corp[^]*cn=Twin 2,dc=corp/u)
  })

  it('… a change does nothing; Haraka does not start', async () => {
    const from = gateway.logLines.length
    const wrong = connectors().replace('max_hops = 5', 'max_hops = many')
    await gateway.writeConfig('connectors.ini', wrong)
    const words = 'connectors.ini [main] max_hops: expected a whole number from 1 up, got `many`'
    await gateway.waitForLog(/the last good configuration stays/u, 20_000, from)
    assert.ok(gateway.log.includes(words))
    const { code, stdout } = await run('check --offline')
    assert.equal(code, 1)
    assert.ok(stdout.includes(words))
    await gateway.writeConfig('connectors.ini', connectors())
  })

  it('every command of the page has been run', () => {
    const left = commands.filter((one) => !done.has(one) && !elsewhere.includes(one))
    assert.deepEqual([...new Set(left)], [])
  })
})
