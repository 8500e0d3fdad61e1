/**
 * Dovecot as a mailbox host for tests: LMTP on a free port of a loopback address and on a socket,
 * its configuration, log and Maildirs in a temporary folder. Only the users named exist.
 *
 * Needs root, as Dovecot itself does; installed by debian.ts.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { freePort } from '../../plugins/stage/free-port.js'
import { run, ServerProcess, temporaryFolder } from './process.js'
import { TestServer } from './test-server.js'

export interface DovecotOptions {
  /** a loopback address */
  readonly host: string
  /** full addresses */
  readonly users: readonly string[]
}

export class Dovecot extends TestServer {
  readonly host: string
  readonly port: number

  private constructor(folder: string, host: string, port: number) {
    super(folder)
    this.host = host
    this.port = port
  }

  /** As a mailbox host or smart host is written in the configuration. */
  get smartHost(): string {
    return `lmtp://[${this.host}]:${this.port}`
  }

  /** The same by its socket. */
  get socket(): string {
    return `lmtp://unix:${join(this.folder, 'run', 'lmtp')}`
  }

  /** What it logged so far. */
  get log(): string {
    return readFileSync(join(this.folder, 'dovecot.log'), { encoding: 'utf8', flag: 'a+' })
  }

  static async start(options: DovecotOptions): Promise<Dovecot> {
    const dovecot = new Dovecot(
      temporaryFolder('dovecot'),
      options.host,
      await freePort(options.host),
    )
    await dovecot.configure(options.users)
    await dovecot.restart()
    return dovecot
  }

  protected override readonly endsBy = 'SIGTERM'

  protected launch(): ServerProcess {
    return new ServerProcess('/usr/sbin/dovecot', ['-F', '-c', this.file('dovecot.conf')])
  }

  protected ready(process: ServerProcess): Promise<void> {
    return process.listening(this.port, this.host).catch((error: unknown) => {
      throw new Error(`Dovecot does not start:\n${this.log}`, { cause: error })
    })
  }

  /** The messages in a user's mailbox. */
  async mailbox(user: string): Promise<Buffer[]> {
    const folder = join(this.folder, 'mail', user, 'new')
    const names = await readdir(folder).catch(() => [])
    return Promise.all(
      names.sort((a, b) => a.localeCompare(b)).map((name) => readFile(join(folder, name))),
    )
  }

  private async configure(users: readonly string[]): Promise<void> {
    const { folder, host, port } = this
    // Dovecot drops its rights: its users have to get through to their folders
    chmodSync(folder, 0o755)
    const [uid, gid] = [await run('id', ['-u', 'dovecot']), await run('id', ['-g', 'dovecot'])]
    for (const name of ['run', 'state', 'mail']) mkdirSync(join(folder, name))
    chownSync(join(folder, 'mail'), Number(uid), Number(gid))
    writeFileSync(this.file('users'), users.map((user) => `${user}::::::\n`).join(''))
    writeFileSync(
      this.file('dovecot.conf'),
      `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
protocols = lmtp
listen = ${host}
ssl = no
mail_location = maildir:${folder}/mail/%u
first_valid_uid = 1
mail_uid = ${uid.trim()}
mail_gid = ${gid.trim()}
postmaster_address = postmaster@${host}
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = passwd-file
  args = ${folder}/users
  default_fields = uid=${uid.trim()} gid=${gid.trim()} home=${folder}/mail/%u
}
service lmtp {
  inet_listener lmtp {
    address = ${host}
    port = ${port}
  }
  unix_listener lmtp {
    mode = 0666
  }
}
`,
    )
  }
}
