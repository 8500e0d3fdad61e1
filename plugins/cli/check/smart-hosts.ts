/**
 * Greets every smart host, bridgehead and mailbox host as delivery would: found in DNS, reached,
 * encrypted, EHLO or LHLO said, logged in. Smart hosts are asked whether they know their recipients
 * (ask-host.ts). Then it says goodbye; no mail is sent.
 */
import type { Environment } from '../../config/environment.js'
import { readSecretFile } from '../../config/secret-file.js'
import { connectorsFile, type Connector } from '../../decision/connectors-config.js'
import { sessionIdentity, TargetError, type TargetFinder } from '../../delivery/hosts/target.js'
import {
  formatEndpoint,
  openSession,
  type Endpoint,
  type Session,
  type SessionOptions,
} from '../../delivery/smtp/session.js'
import { TlsIdentities } from '../../delivery/smtp/tls-identity.js'
import { directTimeouts } from '../../delivery/smtp/timeouts.js'
import { HostError } from '../../delivery/smtp/wire.js'
import { formatSmartHost, type SmartHost } from '../../mail/smart-host.js'
import { directoryFile } from '../../directory/config.js'
import { hostsOfMailboxes } from '../../directory/mailboxes.js'
import type { Configuration } from '../../decision/configuration.js'
import type { Install } from '../opened-install.js'
import { targetFinder } from '../opened-switch.js'
import { ProgressBar } from '../progress-bar.js'
import { askHost } from './ask-host.js'
import { daysLeft } from './identity.js'
import { good, note, wrong, type Finding } from '../../operations/finding.js'

// milliseconds for one host, all its steps together
const patience = 10_000

/** Never rejects for what a host does; settles when the slowest has answered or had its time. */
export async function greetHosts(
  install: Install,
  configuration: Configuration,
  env: Environment,
): Promise<Finding[]> {
  const finder = targetFinder(install, configuration, env)
  const { connectors, directories } = configuration
  const greetings = [
    ...[...(connectors?.connectors.values() ?? [])].map((connector) =>
      greetConnector(connector, { install, finder, env }),
    ),
    ...(connectors ? (directories?.directories ?? []) : [])
      .flatMap(hostsOfMailboxes)
      .map(({ where, host }) =>
        greetHost(`${directoryFile} ${where}`, host, finder, {
          gatewayName: install.me,
          tls: 'opportunistic',
          timeouts: directTimeouts,
        }),
      ),
  ]
  const bar = new ProgressBar('Greeting the servers')
  let done = 0
  const told = greetings.map((greeting) =>
    greeting.finally(() => bar.at((done += 1) / greetings.length)),
  )
  return (await Promise.all(told).finally(() => bar.end())).flat()
}

interface Surroundings {
  readonly install: Install
  readonly finder: TargetFinder
  readonly env: Environment
}

/** What else a host is asked over the session that greeted it. */
type Ask = (where: string, session: Session) => Promise<Finding[]>

async function greetConnector(
  connector: Connector,
  { install, finder, env }: Surroundings,
): Promise<Finding[]> {
  const { name, smartHosts, bridgeheads, addressSpaces } = connector
  const where = `${connectorsFile} [${name}]`
  let options
  try {
    options = sessionOptions(connector, install, env)
  } catch {
    // the secret is a finding of the settings already
    return []
  }
  const domains = addressSpaces.flatMap(({ kind, domain }) => (kind === 'exact' ? domain : []))
  const asksAbout =
    (names: readonly string[]): Ask =>
    (place, session) =>
      askHost(place, session, connector, names)
  const greetings = [
    ...smartHosts.map((host) => {
      return greetHost(`${where} smart_hosts`, host, finder, options, asksAbout(domains))
    }),
    ...bridgeheads.map(async (host) => {
      const findings = await greetHost(`${where} bridgeheads`, host, finder, options)
      // one of them may be this gateway
      return findings.filter(({ what }) => !isSelf(what))
    }),
  ]
  if (smartHosts.length === 0) {
    greetings.push(
      ...domains.map(async (domain) => {
        const mx = `${where}, MX of ${domain}`
        const find = async (): Promise<readonly Endpoint[]> =>
          (await finder.find({ kind: 'connector', connector: name }, domain)).endpoints
        return greetEndpoints(mx, find, options, asksAbout([domain]))
      }),
    )
  }
  return (await Promise.all(greetings)).flat()
}

export function sessionOptions(
  connector: Connector,
  install: Install,
  env: Environment,
): SessionOptions {
  const { tls, authUser, authPasswordFile } = connector
  return {
    gatewayName: install.me,
    tls,
    identity: sessionIdentity(connector, new TlsIdentities(env)),
    timeouts: directTimeouts,
    ...(authUser !== '' && {
      credentials: {
        user: authUser,
        password: readSecretFile(env.configDir, authPasswordFile),
      },
    }),
  }
}

async function greetHost(
  where: string,
  host: SmartHost,
  finder: TargetFinder,
  options: SessionOptions,
  ask?: Ask,
): Promise<Finding[]> {
  const find = (): Promise<readonly Endpoint[]> => finder.endpoints([host])
  return greetEndpoints(`${where} ${formatSmartHost(host)}`, find, options, ask)
}

async function greetEndpoints(
  where: string,
  find: () => Promise<readonly Endpoint[]>,
  options: SessionOptions,
  ask?: Ask,
): Promise<Finding[]> {
  let endpoints
  try {
    endpoints = await find()
  } catch (error) {
    if (!(error instanceof TargetError)) throw error
    return [unusable(where, error.message)]
  }
  return (
    await Promise.all(endpoints.map((endpoint) => greet(where, endpoint, options, ask)))
  ).flat()
}

async function greet(
  where: string,
  endpoint: Endpoint,
  options: SessionOptions,
  ask?: Ask,
): Promise<Finding[]> {
  const started = performance.now()
  try {
    const session = await openSession(endpoint, options, performance.now() + patience)
    const milliseconds = Math.ceil(performance.now() - started)
    const asked = ask ? await ask(where, session) : []
    const { certificate } = session.wire
    await session.wire.quit()
    return [
      ...describe(where, session, options, milliseconds),
      ...(certificate ? [daysLeft(where, certificate)] : []),
      ...asked,
    ]
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    return [unusable(where, `${formatEndpoint(endpoint)}: ${error.message}`)]
  }
}

function describe(
  where: string,
  { endpoint, extensions, secured, authenticated }: Session,
  { tls }: SessionOptions,
  milliseconds: number,
): Finding[] {
  const missing = ['SMTPUTF8', '8BITMIME', 'DSN'].filter((word) => !extensions.has(word))
  const words = [
    `${formatEndpoint(endpoint)} greets in ${milliseconds} ms`,
    secured ? 'encrypted' : 'not encrypted',
    ...(authenticated ? ['logged in'] : []),
    ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
  ]
  const findings = [good(where, words.join(', '))]
  if (tls === 'opportunistic' && !secured && extensions.has('STARTTLS')) {
    findings.push(
      note(
        where,
        'offers TLS, but it does not work',
        'mail goes there in plain text',
        'mend its certificate or its protocols; tls = required shows the reason',
      ),
    )
  }
  return findings
}

function unusable(where: string, what: string): Finding {
  if (isSelf(what)) {
    return wrong(
      where,
      what,
      'mail for it would come back here; it is never delivered to, and waits in the queue',
      'name the server of the other system',
    )
  }
  const todo = /AUTH/u.test(what)
    ? 'look at auth_user and the password; a password is only sent over TLS unless tls = none'
    : /unable to verify the first certificate|unable to get (?:local )?issuer/iu.test(what)
      ? 'its chain is incomplete, or its authority is not believed: tls_ca_file names another one'
      : /altnames|does not match/iu.test(what)
        ? 'tls_name says which name its certificate must have, where that is not the name of the host'
        : /TLS/u.test(what)
          ? 'look at its certificate; tls = required takes any, opportunistic does without'
          : 'look whether the server runs, and the name, port and firewall'
  return wrong(where, what, 'mail for it waits in the queue, and comes back after some days', todo)
}

function isSelf(what: string): boolean {
  return what.endsWith('is this gateway itself')
}
