/**
 * Postfix as a test server: on a free port of a loopback address, its configuration, queue and log
 * in a temporary folder, without chroot. It asks no DNS, and sends from its own address, so that its
 * peers can tell it from others on the machine.
 *
 * Needs root, as Postfix itself does; installed by debian.ts.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { freePort } from '../../plugins/stage/free-port.js'
import { run, ServerProcess, temporaryFolder } from './process.js'
import { TestServer } from './test-server.js'

export interface PostfixOptions {
  /** a loopback address from 127.0.0.2 up */
  readonly host: string
  /** any free one unless told */
  readonly port?: number
  /** parameters of main.cf; they win over what is written here */
  readonly main?: Readonly<Record<string, string>>
  /** further lines of master.cf */
  readonly master?: readonly string[]
}

const daemons = '/usr/lib/postfix/sbin'

const services = [
  'pickup unix n - n 1 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 1 1 qmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'verify unix - - n - 1 verify',
  'proxymap unix - - n - - proxymap',
  'smtp unix - - n - - smtp',
  'relay unix - - n - - smtp',
  'lmtp unix - - n - - lmtp',
  'virtual unix - n n - - virtual',
  'local unix - n n - - local',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'discard unix - - n - - discard',
  'showq unix n - n - - showq',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'postlog unix-dgram n - n - 1 postlogd',
]

export class Postfix extends TestServer {
  readonly host: string
  readonly port: number

  private constructor(folder: string, host: string, port: number) {
    super(folder)
    this.host = host
    this.port = port
  }

  /** As a smart host is written in the configuration. */
  get smartHost(): string {
    return `[${this.host}]:${this.port}`
  }

  /** What it logged so far. */
  get log(): string {
    return readFileSync(join(this.folder, 'mail.log'), { encoding: 'utf8', flag: 'a+' })
  }

  static async start(options: PostfixOptions): Promise<Postfix> {
    const { host } = options
    const folder = temporaryFolder('postfix')
    const postfix = new Postfix(folder, host, options.port ?? (await freePort(host)))
    await postfix.configure(options)
    await postfix.restart()
    return postfix
  }

  protected override readonly endsBy = 'SIGTERM'

  protected launch(): ServerProcess {
    return new ServerProcess(join(daemons, 'master'), ['-c', this.configDir, '-d'])
  }

  protected ready(process: ServerProcess): Promise<void> {
    return process.listening(this.port, this.host)
  }

  /** Names of the messages in its queue, in whatever state. */
  async queue(): Promise<string[]> {
    const names: string[] = []
    for (const queue of ['maildrop', 'incoming', 'active', 'deferred', 'hold']) {
      const found = await readdir(join(this.folder, 'queue', queue), {
        recursive: true,
        withFileTypes: true,
      })
      names.push(...found.filter((entry) => entry.isFile()).map(({ name }) => name))
    }
    return names
  }

  /** Settles when the queue is empty; rejects with the end of the log after `timeout` ms. */
  async drained(timeout = 15_000): Promise<void> {
    const end = Date.now() + timeout
    while ((await this.queue()).length > 0) {
      if (Date.now() > end) {
        const log = this.log.split('\n').slice(-25).join('\n')
        throw new Error(
          `expected Postfix to drain its queue within ${timeout} ms; its log:\n${log}`,
        )
      }
      await sleep(20)
    }
  }

  private get configDir(): string {
    return join(this.folder, 'config')
  }

  private async configure({ main = {}, master = [] }: PostfixOptions): Promise<void> {
    const { folder, host } = this
    // Postfix drops its rights: its user has to get through to its folders
    chmodSync(folder, 0o755)
    for (const name of ['config', 'queue', 'data']) mkdirSync(join(folder, name))
    const postfixUser = Number(await run('id', ['-u', 'postfix']))
    chownSync(join(folder, 'data'), postfixUser, -1)
    const parameters = {
      compatibility_level: '3.6',
      queue_directory: join(folder, 'queue'),
      data_directory: join(folder, 'data'),
      daemon_directory: daemons,
      command_directory: '/usr/sbin',
      mail_owner: 'postfix',
      setgid_group: 'postdrop',
      maillog_file: join(folder, 'mail.log'),
      maillog_file_prefixes: folder,
      myhostname: 'postfix.example',
      mydestination: '',
      mynetworks: '127.0.0.0/8',
      // an address of `lo` itself; where it listens stands in master.cf
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      smtp_bind_address: host,
      smtp_dns_support_level: 'disabled',
      smtp_host_lookup: 'native',
      smtp_tls_security_level: 'none',
      alias_maps: '',
      alias_database: '',
      local_recipient_maps: '',
      minimal_backoff_time: '1s',
      queue_run_delay: '1s',
      ...main,
    }
    const lines = Object.entries(parameters).map(([name, value]) => `${name} = ${value}`)
    writeFileSync(join(this.configDir, 'main.cf'), `${lines.join('\n')}\n`)
    const entrance = `${host}:${this.port} inet n - n - - smtpd`
    const text = [entrance, ...services, ...master].join('\n')
    writeFileSync(join(this.configDir, 'master.cf'), `${text}\n`)
    // makes the folders of the queue, and finds mistakes in what was written; it tells them a terminal only
    await run('/usr/sbin/postfix', ['-c', this.configDir, 'check']).catch((error: unknown) => {
      throw new Error(`Postfix does not accept its configuration:\n${this.log}`, { cause: error })
    })
  }
}
