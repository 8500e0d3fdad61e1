/**
 * One LDAP connection: connected, encrypted as configured, bound, and only then handed out. It never
 * reconnects by itself: ldapts would search before the new bind is answered, and take the empty
 * answer of an anonymous search for "not there". Whoever holds it drops it at the first sign of
 * trouble.
 *
 * The socket is made here and not by ldapts, so that every wait for it has an end.
 * RFC 4511 4.14 (StartTLS), 4.2 (bind); RFC 2818 3.1 by way of Node's check of the server's name.
 */
import { inTime } from '../../basics/in-time.js'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'

import { Client, type Entry, type Filter } from 'ldapts'

import type { LdapServer } from './ldap-settings.js'
import { describeFailure } from './failure.js'

export interface ConnectSettings {
  readonly startTls: boolean
  readonly tls: ConnectionOptions
  /** undefined: anonymous */
  readonly bind: { readonly dn: string; readonly password: string } | undefined
}

// milliseconds
const keepAliveDelay = 30_000
const goodbyeTime = 1000

export class LdapConnection {
  readonly server: LdapServer
  private readonly socket: Socket
  /** for what only the command line does: administration.ts */
  readonly client: Client

  private constructor(server: LdapServer, socket: Socket, client: Client) {
    this.server = server
    this.socket = socket
    this.client = client
  }

  /** Rejects with an Error when the connection is not usable within `limit` milliseconds. */
  static async open(
    server: LdapServer,
    settings: ConnectSettings,
    limit: number,
  ): Promise<LdapConnection> {
    const identity = isIP(server.host) ? {} : { servername: server.host }
    const tls = { host: server.host, ...identity, ...settings.tls }
    const socket = server.secure
      ? connectTls({ ...tls, port: server.port })
      : connectTcp({ host: server.host, port: server.port })
    // an error after the set-up shows as `close`
    socket.on('error', () => {})
    socket.setNoDelay(true).setKeepAlive(true, keepAliveDelay)

    let step = 'connecting'
    const closed = new Promise<never>((_, reject) => {
      socket.once('close', () => reject(new Error('the server closed the connection')))
    })
    try {
      return await inTime(Promise.race([setUp(), closed]), limit, () => {
        throw new Error(`no answer in ${limit} ms`)
      })
    } catch (error) {
      socket.destroy()
      throw new Error(`${server.url}: ${step}: ${messageOf(error)}`, { cause: error })
    }

    async function setUp(): Promise<LdapConnection> {
      await once(socket, server.secure ? 'secureConnect' : 'connect')
      const client = new Client({ url: 'ldap://connected', createConnection: () => socket })
      if (settings.startTls) {
        step = 'StartTLS'
        await client.startTLS({ ...tls })
      }
      step = 'bind'
      // also without a name: ldapts takes over the socket here, and a refusal shows before a search
      await client.bind(settings.bind?.dn ?? '', settings.bind?.password ?? '')
      return new LdapConnection(server, socket, client)
    }
  }

  /** The entries below `base`; rejects with ldapts' errors. Referrals are left out. */
  async search(
    base: string,
    filter: Filter,
    attributes: readonly string[],
    seconds: number,
  ): Promise<readonly Entry[]> {
    // no size limit of our own: ldapts takes "size limit exceeded" for success then, and whatever
    // the server had sent up to there for all
    const { searchEntries } = await this.client.search(base, {
      scope: 'sub',
      filter,
      attributes: [...attributes],
      timeLimit: seconds,
    })
    return searchEntries
  }

  /** One entry that the filter finds, or none; the object of that name alone for scope `base`. */
  async first(
    base: string,
    scope: 'base' | 'sub',
    filter: Filter,
    attributes: readonly string[],
    limit: number,
  ): Promise<Entry | undefined> {
    const found = this.client.search(base, {
      scope,
      filter,
      attributes: [...attributes],
      // "size limit exceeded" is the expected end of this search: one entry is all that is wanted
      sizeLimit: 1,
      timeLimit: Math.max(1, Math.ceil(limit / 1000)),
    })
    const { searchEntries } = await inTime(found, limit, () => {
      throw new Error(`no answer in ${limit} ms`)
    })
    return searchEntries[0]
  }

  /** Calls back when the connection is gone, whoever ended it. */
  onClose(callback: () => void): void {
    if (this.socket.closed) setImmediate(callback)
    else this.socket.once('close', callback)
  }

  /** Says goodbye and ends the connection. */
  end(): void {
    this.client.unbind().catch(() => {})
    setTimeout(() => this.socket.destroy(), goodbyeTime).unref()
  }

  /** Ends the connection at once; searches under way fail. */
  destroy(): void {
    this.socket.destroy()
  }
}

/** Node gives the error of several addresses of one host no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return describeFailure(error)
}
