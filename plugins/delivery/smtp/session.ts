/**
 * An SMTP or LMTP session that is ready for mail: greeted, EHLO said, encrypted and authenticated
 * as the connector asks. `openSession` answers one or rejects with HostError.
 *
 *   tls = none           never encrypted
 *   tls = opportunistic  encrypted if the host offers it; if that fails, once more in plain text
 *   tls = required       encrypted, with any certificate
 *   tls = verify         encrypted, and the certificate is good and for the host's name (or `tls_name`)
 *
 * A password goes over TLS only, unless `tls = none` says that plain text is meant.
 * RFC 5321, 2033 (LMTP), 3207 (STARTTLS), 4954 (AUTH); XCLIENT as Postfix documents it.
 */
import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'

import type { TlsPolicy } from '../../decision/connectors-config.js'
import type { Protocol } from '../../mail/smart-host.js'
import { authenticate, type Credentials } from './auth.js'
import { isPositive, type SmtpReply } from './smtp-reply.js'
import type { Timeouts } from './timeouts.js'
import type { TlsIdentity } from './tls-identity.js'
import { HostError, Wire, type Destination } from './wire.js'

/** One address of a host. */
export interface Endpoint {
  readonly protocol: Protocol
  readonly destination: Destination
  /** names that a certificate may be for; the first one is the host's */
  readonly names: readonly string[]
}

/** Who we are to the host, and who it has to be. */
export interface SessionIdentity {
  /** for EHLO; empty: the gateway's name */
  readonly ehloName: string
  /** the name that its certificate must have; empty: one of the endpoint's */
  readonly tlsName: string
  readonly tls?: TlsIdentity
}

export interface SessionOptions {
  readonly gatewayName: string
  readonly tls: TlsPolicy
  readonly credentials?: Credentials
  /** `NAME=… ADDR=…`, sent where offered */
  readonly xclient?: string
  readonly timeouts: Timeouts
  readonly identity?: SessionIdentity
  /** further options of TLS: own certificate authorities */
  readonly tlsOptions?: ConnectionOptions
}

/** `mail.unix.example[192.0.2.10]:25`, or a socket's path. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { destination, names } = endpoint
  if ('path' in destination) return destination.path
  const name = names[0] ?? destination.host
  const address = name === destination.host ? `[${name}]` : `${name}[${destination.host}]`
  return `${address}:${destination.port}`
}

export interface Session {
  readonly endpoint: Endpoint
  readonly wire: Wire
  /** EHLO keyword in upper case → its parameters */
  readonly extensions: ReadonlyMap<string, string>
  readonly secured: boolean
  readonly authenticated: boolean
}

/** Opens a session; `until`: by performance.now(), when patience ends. */
export async function openSession(
  endpoint: Endpoint,
  options: SessionOptions,
  until: number,
): Promise<Session> {
  try {
    return await open(endpoint, options, until)
  } catch (error) {
    const plainWillDo = options.tls === 'opportunistic' && performance.now() < until
    const tlsFailed =
      error instanceof HostError && (error.phase === 'TLS' || error.phase === 'STARTTLS')
    if (!plainWillDo || !tlsFailed) throw error
    return open(endpoint, { ...options, tls: 'none' }, until, options.credentials !== undefined)
  }
}

async function open(
  endpoint: Endpoint,
  options: SessionOptions,
  until: number,
  noAuth = false,
): Promise<Session> {
  const { timeouts, tls, identity } = options
  const ourName = identity?.ehloName || options.gatewayName
  const within = (ms: number): number => Math.min(ms, until - performance.now())
  const { destination, protocol } = endpoint
  const wire = await Wire.connect(destination, within(timeouts.connect))
  const greet = () => hello(wire, protocol, ourName, () => within(timeouts.hello))
  try {
    await expectPositive(wire, 'greeting', within(timeouts.greeting))
    let extensions = await greet()
    let secured = false
    if (tls !== 'none' && (extensions.has('STARTTLS') || tls !== 'opportunistic')) {
      if (!extensions.has('STARTTLS')) {
        throw new HostError('TLS', `expected the host to offer STARTTLS (tls = ${tls})`)
      }
      wire.send('STARTTLS')
      await expectPositive(wire, 'STARTTLS', within(timeouts.hello))
      await wire.startTls(tlsOptions(endpoint, options), within(timeouts.hello))
      secured = true
      extensions = await greet()
    }
    const { credentials, xclient } = options
    if (credentials && (noAuth || (!secured && tls !== 'none'))) {
      throw new HostError('AUTH', 'a password is not sent without TLS')
    }
    if (credentials) {
      await authenticate(wire, credentials, extensions.get('AUTH') ?? '', () =>
        within(timeouts.hello),
      )
    }
    if (xclient !== undefined && extensions.has('XCLIENT')) {
      wire.send(`XCLIENT ${supported(xclient, extensions.get('XCLIENT') ?? '')}`)
      await expectPositive(wire, 'XCLIENT', within(timeouts.hello))
      extensions = await greet()
    }
    return { endpoint, wire, extensions, secured, authenticated: credentials !== undefined }
  } catch (error) {
    wire.destroy()
    throw error
  }
}

/** EHLO, or HELO where the host is old; the answer's extensions. */
async function hello(
  wire: Wire,
  protocol: Protocol,
  ourName: string,
  within: () => number,
): Promise<ReadonlyMap<string, string>> {
  const verb = protocol === 'lmtp' ? 'LHLO' : 'EHLO'
  wire.send(`${verb} ${ourName}`)
  const reply = await wire.read(verb, within())
  if (isPositive(reply)) return readExtensions(reply)
  const oldHost = verb === 'EHLO' && reply.code >= 500
  if (!oldHost) throw new HostError(verb, 'refused', reply)
  wire.send(`HELO ${ourName}`)
  await expectPositive(wire, 'HELO', within())
  return new Map()
}

async function expectPositive(wire: Wire, phase: string, ms: number): Promise<SmtpReply> {
  const reply = await wire.read(phase, ms)
  if (!isPositive(reply)) throw new HostError(phase, 'refused', reply)
  return reply
}

function readExtensions(reply: SmtpReply): ReadonlyMap<string, string> {
  const extensions = new Map<string, string>()
  for (const line of reply.lines.slice(1)) {
    // `AUTH=PLAIN` is an old way to write `AUTH PLAIN`
    const [, keyword, parameters] = /^([A-Za-z0-9-]+)(?:[ =](.*))?$/u.exec(line.trim()) ?? []
    if (keyword !== undefined && !extensions.has(keyword.toUpperCase())) {
      extensions.set(keyword.toUpperCase(), parameters ?? '')
    }
  }
  return extensions
}

/** Of `NAME=… ADDR=…` the attributes that the host has named. */
function supported(xclient: string, offered: string): string {
  const names = offered.toUpperCase().split(/\s+/u)
  return xclient
    .split(' ')
    .filter((attribute) => names.includes(attribute.split('=', 1)[0] ?? ''))
    .join(' ')
}

function tlsOptions(endpoint: Endpoint, options: SessionOptions): ConnectionOptions {
  const { tls, tlsName = '' } = options.identity ?? {}
  const names = tlsName === '' ? endpoint.names : [tlsName]
  const name = names[0] ?? ''
  return {
    ...options.tlsOptions,
    ...(tls && { secureContext: tls.context }),
    // RFC 6066 3: an address is no server name
    ...(name === '' || isIP(name) ? {} : { servername: name }),
    rejectUnauthorized: options.tls === 'verify',
    checkServerIdentity: (_host, certificate) => {
      const problems = names.map((host) => checkServerIdentity(host, certificate))
      return problems.includes(undefined) ? undefined : (problems[0] ?? new Error('no host name'))
    },
  }
}
