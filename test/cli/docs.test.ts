/**
 * Every configuration and every command of docs/ is run: the blocks of a page make an install, its
 * `sh` blocks run in it, line by line. What the pages call servers are real ones on loopback: slapd
 * for directories, catchers for mail systems; everything else stays as it is written.
 *
 * ```ini config/NAME    a file of the install; the first of each name is there from the start
 * ```sh                 commands, each of which has to succeed
 * ```text               what is only shown
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { checkInstall } from '../../plugins/cli/check/check.js'
import { readInstall } from '../../plugins/cli/opened-install.js'
import { freePort } from '../../plugins/stage/free-port.js'
import { buildIfStale, dist } from '../../scripts/build.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { Catcher } from '../harness/catcher.js'
import { tempDir } from '../harness/temp.js'
import { describeWithServers } from '../servers.js'

const docs = join(__dirname, '..', '..', 'docs')
const manuals = ['accepted-domains', 'contacts', 'connectors'].map((plugin) =>
  join('..', 'plugins', plugin, 'README.md'),
)
const pages = [...readdirSync(docs).filter((name) => name.endsWith('.md')), ...manuals]

interface Block {
  readonly line: number
  readonly language: string
  readonly file: string
  readonly text: string
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(docs, page), 'utf8')
  return [...text.matchAll(/^```(\S*) ?(.*)\n([^]*?)^```$/gmu)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    language: match[1] ?? '',
    file: match[2] ?? '',
    text: match[3] ?? '',
  }))
}

/** Who is in which directory, as the pages have it. */
const people: Record<string, readonly (readonly [cn: string, ...addresses: string[]])[]> = {
  corp: [
    ['Admin', 'admin@example.com', 'admin@example.local'],
    ['Anna', 'anna@example.com', 'anna@example.local'],
  ],
  subsidiary: [['Sven', 'sven@example.com', 'sven@subsidiary.example']],
  xo: [['Admin', 'admin@xo.one']],
}
const log = `[NOTICE] [0A.1] [address-space/accepted-domains] decision=shared recipient="walter@example.com" place="connector:unix"
[NOTICE] [0A.2] [address-space/accepted-domains] decision=mailbox recipient="anna@example.com" place="mailbox-host:corp" directory="corp"
`

describeWithServers(['slapd'], 'the documentation', function () {
  this.timeout(60_000)
  let slapd: Slapd
  let catchers: { readonly smtp: Catcher; readonly lmtp: Catcher }

  before(async () => {
    await buildIfStale()
    slapd = await Slapd.start()
    catchers = {
      smtp: await Catcher.start({ host: '127.0.0.2' }),
      lmtp: await Catcher.start({ host: '127.0.0.3', protocol: 'lmtp' }),
    }
  })
  after(async () => {
    await slapd.remove()
    await catchers.smtp.stop()
    await catchers.lmtp.stop()
  })

  for (const page of pages) {
    it(page, async () => {
      const blocks = blocksOf(page)
      const unclear = blocks.filter(({ language, file }) =>
        language === 'text' || language === 'sh' ? false : file === '',
      )
      assert.deepEqual(unclear, [], 'blocks that name no file')
      const files = blocks.filter(({ file }) => file !== '')
      if (files.length === 0) return
      const written = await Site.make(slapd, undefined)
      const running = await Site.make(slapd, catchers)
      for (const block of files.toReversed()) await write(block)
      for (const block of blocks) {
        if (block.file !== '') await write(block)
        else if (block.language === 'sh') {
          await written.expectNothingWrong(`${page}:${block.line}`)
          await running.run(block, page)
        }
      }
      await written.expectNothingWrong(page)

      async function write(block: Block): Promise<void> {
        await written.write(block)
        await running.write(block)
      }
    })
  }
})

/** An install with the files of a page; with `catchers` its servers are real ones on loopback. */
class Site {
  private readonly seeded = new Set<string>()
  private readonly dir = tempDir('docs')
  private readonly slapd: Slapd
  private readonly catchers: { readonly smtp: Catcher; readonly lmtp: Catcher } | undefined

  private constructor(slapd: Slapd, catchers: Site['catchers']) {
    this.slapd = slapd
    this.catchers = catchers
  }

  static async make(slapd: Slapd, catchers: Site['catchers']): Promise<Site> {
    const site = new Site(slapd, catchers)
    const shims: Record<string, string> = {
      npx: `shift; exec ${process.execPath} ${join(dist, 'cli', 'main.js')} "$@"`,
      npm: 'exit 0',
      systemctl: 'exit 0',
    }
    for (const [name, script] of Object.entries(shims)) {
      site.save(join('bin', name), `#!/bin/sh\n${script}\n`, 0o755)
    }
    site.save('config/smtp.ini', `listen=127.0.0.1:${await freePort('127.0.0.1')}\n`)
    site.save('config/me', 'gateway.example\n')
    site.save('haraka.log', log)
    return site
  }

  async write({ file, text }: Block): Promise<void> {
    this.save(file, this.catchers ? await this.substitute(file, text) : text)
    for (const [, name = ''] of text.matchAll(/_password_file = (\S+)/gu)) {
      this.save(join('config', name), this.slapd.password, 0o600)
    }
    const { ca, certificate, key } = this.slapd.certificates
    const pem = { ca, cert: certificate, key } as const
    for (const [, kind = '', name = ''] of text.matchAll(/^tls_(ca|cert|key)_file = (\S+)/gmu)) {
      copyFileSync(pem[kind as keyof typeof pem], join(this.dir, 'config', name))
    }
  }

  async expectNothingWrong(where: string): Promise<void> {
    const findings = await checkInstall(readInstall(this.dir), { offline: true })
    const wrong = findings.filter(({ kind }) => kind === 'wrong')
    assert.deepEqual(wrong, [], where)
  }

  async run({ text, line }: Block, page: string): Promise<void> {
    for (const [index, command] of text.trim().split('\n').entries()) {
      const real = command.replaceAll('/var/log/haraka.log', 'haraka.log')
      const env = { ...process.env, PATH: `${join(this.dir, 'bin')}:${process.env['PATH'] ?? ''}` }
      try {
        await promisify(execFile)('bash', ['-c', real], { cwd: this.dir, env })
      } catch (error) {
        const { stdout, stderr } = error as { stdout?: string; stderr?: string }
        assert.fail(`${page}:${line + 1 + index}: ${command}\n${stdout ?? ''}${stderr ?? ''}`)
      }
    }
  }

  /** Hosts, distinguished names and what belongs to them. */
  private async substitute(file: string, text: string): Promise<string> {
    const { smtp, lmtp } = this.catchers ?? {}
    const dropped = /^(tls|tls_ca_file|auth_\w+|bridgeheads|start_tls) =.*\n/gmu
    const lines = text
      .replace(dropped, '')
      .replace(/^smart_hosts = .*$/gmu, `smart_hosts = ${smtp?.smartHost ?? ''}`)
      .replace(/^mailbox_host = lmtp.*$/gmu, `mailbox_host = ${lmtp?.smartHost ?? ''}`)
      .replace(/^mailbox_host = (?!lmtp).*$/gmu, `mailbox_host = ${smtp?.smartHost ?? ''}`)
      .replace(/^url = ldap.*$/gmu, `url = ${this.slapd.url}`)
      .replace(/^bind_dn = .*$/gmu, `bind_dn = ${this.slapd.bindDn}`)
    const names = new Set(
      [...lines.matchAll(/(?<!cn=admin,)dc=(?:corp|subsidiary|xo),dc=(?:example|one)/giu)].map(
        ([name]) => name,
      ),
    )
    let result = lines
    for (const name of names) {
      const base = await this.seed(/=(\w+)/u.exec(name)?.[1]?.toLowerCase() ?? '')
      result = result.replaceAll(new RegExp(`(?<!cn=admin,)${name}`, 'gu'), base)
    }
    return /\.(ini|csv|ldif)$/u.test(file) ? result : text
  }

  /** The directory's people in a part of slapd that is this page's alone. */
  private async seed(name: string): Promise<string> {
    const base = `ou=${this.dir.split('/').at(-1)?.toLowerCase() ?? ''}-${name},${this.slapd.baseDn}`
    if (this.seeded.has(base)) return base
    this.seeded.add(base)
    const entry = (...lines: string[]): string => `${lines.join('\n')}\n`
    const unit = (dn: string): string => entry(`dn: ${dn}`, 'objectClass: organizationalUnit')
    await this.slapd.add(
      [
        unit(base),
        unit(`ou=internet users,${base}`),
        ...(people[name] ?? []).map(([cn, ...addresses]) =>
          entry(
            `dn: cn=${cn},${base}`,
            'objectClass: user',
            ...addresses.map((address) => `proxyAddresses: smtp:${address}`),
          ),
        ),
      ].join('\n'),
    )
    return base
  }

  private save(name: string, text: string, mode = 0o644): void {
    const path = join(this.dir, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    chmodSync(path, mode)
  }
}
