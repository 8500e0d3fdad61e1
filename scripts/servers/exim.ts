/**
 * Exim as a next host for tests: on a free port of a loopback address, its configuration, spool and log
 * in a temporary folder; what it takes it hands to another host.
 *
 * Debian lets one mail server be installed, and the tests have Postfix: so Exim's package is only
 * unpacked into the folder, and what it needs of the system is installed by debian.ts. Needs root.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'

import { freePort } from '../../plugins/stage/free-port.js'
import { run, ServerProcess, temporaryFolder } from './process.js'
import { TestServer } from './test-server.js'

const user = 'Debian-exim'

export interface EximOptions {
  /** a loopback address from 127.0.0.2 up */
  readonly host: string
  /** where it hands its mail to, an address and a port */
  readonly next: { readonly host: string; readonly port: number }
}

export class Exim extends TestServer {
  readonly host: string
  readonly port: number
  private readonly options: EximOptions

  private constructor(folder: string, options: EximOptions, port: number) {
    super(folder)
    this.host = options.host
    this.port = port
    this.options = options
  }

  /** As a smart host is written in the configuration. */
  get smartHost(): string {
    return `[${this.host}]:${this.port}`
  }

  /** What it logged of messages so far. */
  get log(): string {
    return readFileSync(this.file('log', 'mainlog'), { encoding: 'utf8', flag: 'a+' })
  }

  static async start(options: EximOptions): Promise<Exim> {
    const exim = new Exim(temporaryFolder('exim'), options, await freePort(options.host))
    await exim.unpack()
    await exim.configure()
    await exim.restart()
    return exim
  }

  protected override readonly endsBy = 'SIGTERM'

  protected launch(): ServerProcess {
    return new ServerProcess(this.program, ['-C', this.file('exim.conf'), '-bdf', '-q1m'])
  }

  protected ready(process: ServerProcess): Promise<void> {
    return process.listening(this.port, this.host)
  }

  private get program(): string {
    return this.file('usr', 'sbin', 'exim4')
  }

  private async unpack(): Promise<void> {
    const { folder } = this
    // apt and Exim drop their rights
    chmodSync(folder, 0o777)
    await run('sh', ['-c', 'cd "$0" && apt-get -q download exim4-daemon-light', folder])
    chmodSync(folder, 0o755)
    const [name] = (await readdir(folder)).filter((file) => file.endsWith('.deb'))
    if (name === undefined) throw new Error('expected the package exim4-daemon-light, got none')
    await run('dpkg-deb', ['-x', this.file(name), folder])
    // the user is compiled in
    await run('id', ['-u', user]).catch(() =>
      run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', user]),
    )
  }

  private async configure(): Promise<void> {
    const { folder, host, port, options } = this
    const [uid, gid] = [await run('id', ['-u', user]), await run('id', ['-g', user])]
    for (const name of ['spool', 'log']) {
      mkdirSync(this.file(name))
      chownSync(this.file(name), Number(uid), Number(gid))
    }
    const { next } = options
    writeFileSync(
      this.file('exim.conf'),
      `
exim_path = ${this.program}
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
daemon_smtp_ports = ${port}
local_interfaces = ${host}
primary_hostname = exim.example
chunking_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
keep_environment =
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny condition = \${if eq{$local_part}{nobody}}
       message = no such user
  accept
begin routers
next:
  driver = manualroute
  route_list = * ${next.host}::${next.port}
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
  allow_localhost
  hosts_try_fastopen =
begin retry
* * F,1h,5s
`,
    )
  }
}
