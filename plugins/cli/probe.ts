/**
 * `address-space probe CONNECTOR`: what does the other system do with an address that cannot exist?
 *
 *   authoritative       it refuses it and takes postmaster: it tells addresses apart, as the last
 *                       link of the chain should; and whether it takes its time for that (a tarpit)
 *   accepts everything  it takes it, and reports later or never; verify_recipients cannot help
 *   refuses everybody   postmaster too: that is about this gateway, or about the setup there
 *   sends mail back     it takes it, and hands it to this gateway again: a loop in the making
 *
 * Without `--send` nothing is sent: the dialogue ends after RCPT. With it a small message goes there
 * from the null sender, so that nobody gets a report, and the gateway's log shows whether it returns.
 * Exit code 1 if mail comes back, if a host refuses this gateway, or if none gives an answer.
 */
import { randomUUID } from 'node:crypto'

import { InvalidArgumentError, type Command } from 'commander'
import { createColors } from 'picocolors'

import type { Environment } from '../config/environment.js'
import type { Connector } from '../decision/connectors-config.js'
import { TargetError, type TargetFinder } from '../delivery/hosts/target.js'
import { remedyFor } from '../delivery/smtp/advice.js'
import type { Endpoint } from '../delivery/smtp/session.js'
import { seconds } from '../delivery/verify/belief.js'
import { sessionOptions } from './check/smart-hosts.js'
import { DecisionWatch } from './decision-watch.js'
import { configOption } from './install-dir.js'
import { commandEnvironment, configurationOf, readInstall, type Install } from './opened-install.js'
import { targetFinder } from './opened-switch.js'
import { askAboutNobody, type Probed } from './probe-host.js'
import { terminalStyle } from './terminal.js'

interface Options {
  readonly config: string
  readonly send?: true
  readonly log?: string
  readonly wait: number
  readonly json?: true
  readonly existing?: string
}

type Result = Probed & {
  readonly connector: string
  readonly domain: string
  /** what the gateway's log says of the address after it was sent */
  readonly returned?: boolean
}

export function addProbe(program: Command): void {
  program
    .command('probe')
    .description('does the other system know its recipients, take everything, or send mail back?')
    .argument('<connector>', 'a section of connectors.ini')
    .option('--send', 'really send a small message to an address that cannot exist')
    .option('-l, --log <file>', "Haraka's log, to see whether the message comes back; - for stdin")
    .option('-w, --wait <seconds>', 'how long to look for it', readSeconds, 20)
    .option('-e, --existing <address>', 'an address that exists there, in place of postmaster')
    .option('--json', 'a JSON object a host and domain and line, for scripts')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Examples:
  address-space probe unix                                    asks, and sends nothing
  address-space probe unix --existing anna@example.com        where postmaster has no mailbox
  address-space probe unix --send --log /var/log/haraka.log   while the gateway runs
  journalctl -fu haraka | address-space probe unix --send --log -`,
    )
    .action(run)
}

async function run(name: string, options: Options): Promise<void> {
  const install = readInstall(options.config)
  const configuration = configurationOf({ ...install, parts: ['connectors'] })
  const connector = configuration.connectors?.connectors.get(name)
  if (!connector) {
    const names = [...(configuration.connectors?.connectors.keys() ?? [])].join(', ')
    throw new Error(`expected a connector of connectors.ini (${names}), got ${name}`)
  }
  if (options.log !== undefined && options.send !== true) {
    throw new Error('expected --send with --log: without a message nothing can come back')
  }
  const env = commandEnvironment(install)
  const finder = targetFinder(install, configuration, env)
  const watch = options.log === undefined ? undefined : await DecisionWatch.start(options.log)
  let answers = 0
  try {
    for (const domain of domainsOf(connector)) {
      for (const endpoint of await endpointsOf(connector, domain, finder)) {
        const result = await probe(endpoint, domain, { connector, install, env, options, watch })
        if (result.verdict !== 'no answer') answers += 1
        if (isWrong(result)) process.exitCode = 1
        tell(result, options)
      }
    }
  } finally {
    watch?.close()
  }
  if (answers === 0) process.exitCode = 1
}

function readSeconds(text: string): number {
  const number = Number(text)
  if (number > 0 && number <= 3600) return number
  throw new InvalidArgumentError('expected seconds, up to an hour')
}

interface Surroundings {
  readonly connector: Connector
  readonly install: Install
  readonly env: Environment
  readonly options: Options
  readonly watch: DecisionWatch | undefined
}

async function probe(
  endpoint: Endpoint,
  domain: string,
  { connector, install, env, options, watch }: Surroundings,
): Promise<Result> {
  const address = `probe-${randomUUID()}@${domain}`
  const probed = await askAboutNobody(endpoint, address, {
    session: sessionOptions(connector, install, env),
    send: options.send === true,
    existing: options.existing ?? `postmaster@${domain}`,
  })
  const result = { ...probed, connector: connector.name, domain }
  if (!watch || !probed.sent) return result
  return { ...result, returned: await watch.saw(address, options.wait * 1000) }
}

/** A made-up subdomain stands for a wildcard; `*` for no domain in particular. */
function domainsOf({ name, addressSpaces }: Connector): string[] {
  const domains = addressSpaces.flatMap(({ kind, domain }) => {
    if (kind === 'all') return []
    return kind === 'exact' ? domain : `probe.${domain}`
  })
  if (domains.length > 0) return domains
  throw new Error(
    `connector ${name} serves every domain (*): expected one with a domain to ask about`,
  )
}

async function endpointsOf(
  connector: Connector,
  domain: string,
  finder: TargetFinder,
): Promise<readonly Endpoint[]> {
  try {
    return (await finder.find({ kind: 'connector', connector: connector.name }, domain)).endpoints
  } catch (error) {
    if (!(error instanceof TargetError)) throw error
    console.error(`connector ${connector.name}, ${domain}: ${error.message}`)
    return []
  }
}

function tell(result: Result, options: Options): void {
  if (options.json === true) {
    console.log(JSON.stringify(result))
    return
  }
  const { bold, dim, green, red, yellow } = createColors(terminalStyle().colours)
  const { host, domain, verdict, words } = result
  const [headline, ...lines] = explanation(result)
  const colour = isWrong(result) || verdict === 'no answer' ? red : isFine(result) ? green : yellow
  console.log(`${bold(host)}, ${domain}: ${colour(headline ?? '')}`)
  for (const line of [dim(words), ...lines]) console.log(`  ${line}`)
}

/** Mail is lost or turns in a circle until somebody does something. */
function isWrong({ returned, refusal }: Result): boolean {
  return returned === true || (refusal !== undefined && refusal.about !== 'address')
}

function isFine({ verdict, late }: Result): boolean {
  return verdict === 'tells apart' && !late
}

function explanation(result: Result): string[] {
  switch (result.verdict) {
    case 'tells apart':
      return ['authoritative', ...tellsApart(result)]
    case 'refuses all':
      return ['refuses everybody', ...refusesAll(result)]
    case 'cannot say':
      return [
        'cannot be asked',
        'It neither takes the address nor says that it does not exist. verify_recipients accepts',
        'recipients there unasked. Try again later, or name one that exists: --existing ADDRESS',
      ]
    case 'no answer':
      return ['no answer', 'Nothing is known. See: address-space check']
    case 'takes all':
      return takesAll(result)
  }
}

function tellsApart({ tarpit, late }: Result): string[] {
  if (late) {
    return [
      'It refuses addresses that do not exist, but only when it has the message: verify_recipients',
      'takes it for a system that accepts everything.',
    ]
  }
  const lines = [
    'It tells addresses apart: it refuses those that do not exist, so senders hear of it.',
  ]
  if (tarpit === 0) return lines
  const waits = `It takes ${seconds(tarpit)} s to refuse one (a tarpit).`
  return tarpit < 4000
    ? [...lines, waits]
    : [
        ...lines,
        `${waits} verify_recipients accepts a new one`,
        'and knows it when it comes again.',
      ]
}

function refusesAll({ domain, refusal }: Result): string[] {
  if (refusal && refusal.about !== 'address') {
    const sentence = `What to do: ${remedyFor(refusal.reply)}.`
    return [
      'That is about this gateway, not about the address; its users get no mail.',
      ...wrap(sentence),
    ]
  }
  return [
    `It refuses postmaster@${domain} too: nobody can tell whether it knows its recipients, or`,
    'refuses everybody for want of the right setup. Let it take mail for postmaster (RFC 5321 4.5.1),',
    'or name an address that exists there: --existing ADDRESS',
  ]
}

function takesAll({ sent, returned }: Result): string[] {
  if (returned === true) {
    return [
      'sends mail back',
      'What it does not know comes back to this gateway: take out its forwarding of unresolved',
      'recipients ("Forward all mail with unresolved recipients to host").',
    ]
  }
  const takes = 'It takes addresses that do not exist.'
  if (returned === false) {
    return ['accepts everything', takes, 'The message did not come back in the time given.']
  }
  return [
    'accepts everything',
    takes,
    sent
      ? 'A message was sent; --log shows whether it comes back.'
      : 'With --send and --log it shows whether it sends such mail back.',
  ]
}

/** Lines of about a hundred characters. */
function wrap(text: string): string[] {
  return text.match(/.{1,96}(?:\s|$)/gu)?.map((line) => line.trimEnd()) ?? [text]
}
