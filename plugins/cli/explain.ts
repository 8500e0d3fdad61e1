/**
 * `address-space explain ADDRESS…`: what the gateway would decide for a recipient, with every step
 * and its reason. The decision is the gateway's own; directories and, with `verify_recipients`, smart
 * hosts are really asked. Nothing is sent.
 *
 * Exit code 0 whatever is decided; 1 if the configuration is faulty or a text is no address.
 */
import { isIP } from 'node:net'

import { InvalidArgumentError, type Command } from 'commander'
import { createColors } from 'picocolors'

import { errorText } from '../basics/error-text.js'
import { mailAddress, parseMailAddress, type MailAddress } from '../mail/mail-address.js'
import { describeVerification } from '../mail/verification.js'
import { explain, lookupText, type Explanation } from '../decision/explanation.js'
import { reasonOf } from '../stage/decision-log.js'
import { ageText } from '../directory/replica/replica-age.js'
import type { ReplicaState } from '../directory/replica/replica-directory.js'
import type { Pause } from '../delivery/state.js'
import { readPauses } from '../operations/pauses.js'
import { pathsOf } from './check/paused.js'
import { configOption } from './install-dir.js'
import { commandEnvironment, configurationOf, readInstall, type Install } from './opened-install.js'
import { openSwitch } from './opened-switch.js'
import { terminalStyle } from './terminal.js'

interface Options {
  readonly config: string
  readonly from: string
  readonly sender: string
  readonly certificate?: string
  readonly relaying?: true
  readonly json?: true
}

// TEST-NET-1 (RFC 5737): nobody's address
const stranger = '192.0.2.1'

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('what the gateway decides for a recipient, step by step')
    .argument('<address...>', 'recipients; `postmaster` alone is one too')
    .option('-f, --from <ip>', 'the address the client connects from', ipAddress, stranger)
    .option('--sender <address>', 'the envelope sender', senderAddress, 'someone@client.example')
    .option('--certificate <name>', 'the client shows a good certificate for this name')
    .option('-r, --relaying', 'the client may relay: authenticated, or allowed by a plugin')
    .option('--json', 'one JSON object a recipient and line, for scripts')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Examples:
  address-space explain anna@example.com
  address-space explain walter@example.com --from 192.0.2.10   as if the Unix system sent it
  address-space explain walter@example.com --certificate mail.cloud.example --sender anna@example.com
  address-space explain --relaying someone@elsewhere.example     as for a user who logged in`,
    )
    .action(run)
}

async function run(addresses: string[], options: Options): Promise<void> {
  const recipients = addresses.map(readRecipient)
  const install = readInstall(options.config)
  const configuration = configurationOf(install)
  if (!install.enabled && options.json !== true) {
    console.log('config/plugins enables no part of the pack yet; explained as if it enabled all.\n')
  }
  const paused = pausedPlaces(install)
  const opened = await openSwitch(install, configuration, commandEnvironment(install))
  try {
    const { from, sender, certificate, relaying } = options
    const client = {
      ip: from,
      mayRelay: relaying === true,
      senderDomain: parseMailAddress(sender)?.domain ?? '',
      ...(certificate !== undefined && {
        hasCertificateFor: (name: string) => name === certificate.toLowerCase(),
      }),
    }
    for (const recipient of recipients) {
      const explanation = await explain(opened.parts, client, recipient)
      const replicas = opened.replicas().filter((one) => isAsked(one, explanation))
      const pause = paused.get(explanation.decision.place ?? '')
      const more = { ...(replicas.length > 0 && { replicas }), ...(pause && { paused: pause }) }
      console.log(
        options.json === true
          ? JSON.stringify({ ...explanation, ...more })
          : describe(explanation, replicas, pause),
      )
    }
  } finally {
    await opened.close()
  }
}

/** Who may not read that is told the decision all the same. */
function pausedPlaces(install: Install): ReadonlyMap<string, Pause> {
  try {
    return readPauses(pathsOf(install).control)
  } catch (error) {
    console.error(`what is paused cannot be read: ${errorText(error)}`)
    return new Map()
  }
}

function readRecipient(text: string): MailAddress {
  const bare = text.replace(/^<(.*)>$/u, '$1')
  const address =
    bare.toLowerCase() === 'postmaster' ? mailAddress(bare, '') : parseMailAddress(bare)
  if (!address) throw new Error(`expected an address such as anna@example.com, got ${text}`)
  return address
}

function senderAddress(text: string): string {
  if (text !== '' && !parseMailAddress(text)) {
    throw new InvalidArgumentError('expected an address, or nothing for the null sender')
  }
  return text
}

function ipAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('expected an IP address')
  return text
}

/** Whether a replica had a word in it: all up to the one that knew. */
function isAsked({ directory }: ReplicaState, { lookups }: Explanation): boolean {
  return lookups.some((lookup) => lookup.directory === undefined || lookup.directory === directory)
}

/** The explanation as lines for people. */
export function describe(
  explanation: Explanation,
  replicas: readonly ReplicaState[] = [],
  pause?: Pause,
  colours = terminalStyle().colours,
): string {
  const { bold, dim, green, red } = createColors(colours)
  const { recipient, client, decision, reply } = explanation
  const accepted = reply.code < 300
  const mark = accepted ? green : red
  const who = client.mayRelay ? 'a client that may relay' : 'a stranger'
  const rows: [string, string][] = [
    ['domain', domainText(explanation)],
    ...explanation.lookups.map((lookup): [string, string] => ['lookup', lookupText(lookup)]),
    ...replicas.map((replica): [string, string] => ['replica', replicaText(replica)]),
    ...(decision.chain ? [['contact', decision.chain.join(' → ')] as [string, string]] : []),
    ...explanation.connectors.map(({ connector, space, verdict }): [string, string] => [
      'connector',
      `${connector} (${space}): ${verdict}`,
    ]),
    ...explanation.verified.map(({ connector, answer }): [string, string] => [
      'asked',
      `connector ${connector}: ${describeVerification(answer)}`,
    ]),
    ['decision', mark(`${decision.decision}: ${reasonOf({ ...loggedForm, ...decision })}`)],
    ...(decision.place === undefined
      ? []
      : [['goes to', placeText(decision.place)] as [string, string]]),
    ...(pause ? [['paused', `taken, and waits: ${pause.reason}`] as [string, string]] : []),
    ...(decision.observed
      ? [['observed', 'authoritative would refuse it'] as [string, string]]
      : []),
    ['reply', mark(`${reply.code} ${reply.enhanced} ${reply.text}`)],
  ]
  const lines = rows.map(([name, text]) => `  ${dim(name.padEnd(10))} ${text}`)
  return [`${bold(recipient)} from ${who} at ${client.ip}`, ...lines, ''].join('\n')
}

const loggedForm = { directory: undefined, chain: [], detail: undefined }

function domainText({ domain, recipient, decision }: Explanation): string {
  if (domain) return `${domain.type}: ${domain.space} (accepted-domains.ini)`
  if (!recipient.includes('@')) return 'none: the bare postmaster'
  return decision.decision === 'relaying-denied' || decision.decision === 'foreign'
    ? 'foreign: in no accepted domain'
    : 'accepted by another plugin'
}

function replicaText({ directory, age, server, entries }: ReplicaState): string {
  return `directory ${directory} is ${ageText(age)}, ${entries} objects from ${server}`
}

function placeText(place: string): string {
  if (place === 'left') return 'the queue plugin that follows'
  const [kind, name = ''] = place.split(/:(.*)/su)
  if (kind === 'mailbox-host') {
    const [directory = '', host = ''] = name.split(/\/(.*)/su)
    return `the mailbox host ${host === '' ? '' : `${host} `}of directory ${directory}`
  }
  return kind === 'outbound' ? `the MX of ${name}` : `connector ${name}`
}
