/**
 * `address-space probe CONNECTOR`: what does the other system do with an address that cannot exist?
 *
 *   authoritative       it refuses it: the last link of the chain, as it should be
 *   accepts everything  it takes it, and reports later or never; verify_recipients cannot help
 *   sends mail back     it takes it, and hands it to this gateway again: a loop in the making
 *
 * Without `--send` nothing is sent: the dialogue ends after RCPT. With it a small message goes there
 * from the null sender, so that nobody gets a report, and the gateway's log shows whether it returns.
 * Exit code 1 if mail comes back, or if no host gives an answer.
 */
import { randomUUID } from 'node:crypto'

import { InvalidArgumentError, type Command } from 'commander'
import { createColors } from 'picocolors'

import type { Environment } from '../config/environment.js'
import type { Connector } from '../decision/connectors-config.js'
import { TargetError, type TargetFinder } from '../delivery/hosts/target.js'
import type { Endpoint } from '../delivery/smtp/session.js'
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
    .option('-w, --wait <seconds>', 'how long to look for it', seconds, 20)
    .option('--json', 'a JSON object a host and domain and line, for scripts')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Examples:
  address-space probe unix                                    asks, and sends nothing
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
        if (result.returned === true) process.exitCode = 1
        tell(result, options)
      }
    }
  } finally {
    watch?.close()
  }
  if (answers === 0) process.exitCode = 1
}

function seconds(text: string): number {
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
  const { host, domain, verdict, words, returned } = result
  const [headline, ...lines] = explanation(result)
  const colour =
    returned === true || verdict === 'no answer'
      ? red
      : verdict === 'authoritative'
        ? green
        : yellow
  console.log(`${bold(host)}, ${domain}: ${colour(headline ?? '')}`)
  for (const line of [dim(words), ...lines]) console.log(`  ${line}`)
}

function explanation({ verdict, sent, returned }: Result): string[] {
  switch (verdict) {
    case 'authoritative':
      return ['authoritative', 'It refuses addresses that do not exist, so senders hear of it.']
    case 'refuses all':
      return [
        'refuses',
        'It does not say that the address does not exist, but that it takes no mail from here:',
        'let it accept mail from this gateway for the domain.',
      ]
    case 'no answer':
      return ['no answer', 'Nothing is known. See: address-space check']
    case 'accepts':
      break
  }
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
