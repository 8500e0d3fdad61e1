/**
 * Servers that tests need from Debian's packages: slapd, Samba as an Active Directory domain
 * controller, Postfix, Dovecot; and programs that read what the pack gives: a browser, Prometheus,
 * haproxy, logrotate, systemd's checker.
 *
 * Installs what is missing where that is allowed: root on a Debian system. The packages' own
 * services are not started; tests run the servers themselves, from folders of their own. Elsewhere
 * `whyUnavailable` says what is missing, and the caller decides what that means.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'

interface ServerPackages {
  /** a file that is there when the server is */
  readonly program: string
  readonly packages: readonly string[]
  /** it binds low ports or gives files to other users */
  readonly needsRoot?: true
}

const servers = {
  openssl: { program: '/usr/bin/openssl', packages: ['openssl'] },
  slapd: { program: '/usr/sbin/slapd', packages: ['slapd', 'ldap-utils', 'openssl'] },
  samba: {
    needsRoot: true,
    program: '/usr/share/samba/setup/provision.ldif',
    packages: [
      'samba-ad-dc',
      'samba-ad-provision',
      'samba-dsdb-modules',
      'samba-vfs-modules',
      'python3-samba',
      'winbind',
      'ldb-tools',
    ],
  },
  postfix: {
    needsRoot: true,
    program: '/usr/sbin/postfix',
    packages: ['postfix', 'postfix-ldap'],
  },
  // what Exim needs of the system; its own package is unpacked by exim.ts
  exim: {
    needsRoot: true,
    program: '/usr/bin/dpkg-deb',
    packages: ['libidn12', 'libdb5.3', 'libgnutls-dane0', 'libpcre2-8-0', 'libnsl2'],
  },
  dovecot: { program: '/usr/sbin/dovecot', packages: ['dovecot-core', 'dovecot-lmtpd'] },
  chromium: { program: '/usr/bin/chromium', packages: ['chromium', 'fonts-dejavu-core'] },
  // promtool comes with it
  prometheus: { program: '/usr/bin/prometheus', packages: ['prometheus'] },
  haproxy: { program: '/usr/sbin/haproxy', packages: ['haproxy'] },
  logrotate: { program: '/usr/sbin/logrotate', packages: ['logrotate'] },
  systemd: { program: '/usr/bin/systemd-analyze', packages: ['systemd'] },
} satisfies Record<string, ServerPackages>

export type ServerName = keyof typeof servers

const dpkgQuery = '/usr/bin/dpkg-query'
const policyFile = '/usr/sbin/policy-rc.d'

const known = new Set<ServerName>()

/** On Debian its packages count: Postfix's program is there without the package of its LDAP tables. */
function isInstalled(name: ServerName): boolean {
  if (known.has(name)) return true
  const { program, packages } = servers[name]
  const there = existsSync(program) && (!existsSync(dpkgQuery) || packages.every(isPackageThere))
  if (there) known.add(name)
  return there
}

function isPackageThere(name: string): boolean {
  const { stdout } = spawnSync(dpkgQuery, ['-W', '-f', '${db:Status-Status}', name], {
    encoding: 'utf8',
  })
  return stdout === 'installed'
}

/** Why the server can neither be found nor installed here; `undefined` if it can. */
export function whyUnavailable(name: ServerName): string | undefined {
  const { packages, needsRoot }: ServerPackages = servers[name]
  if (needsRoot === true && process.getuid?.() !== 0) return `only root can run ${name}`
  if (isInstalled(name)) return undefined
  if (!existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get')) {
    return `${name} is not installed, and this is no Debian system`
  }
  if (process.getuid?.() !== 0) {
    return `${name} is not installed, and only root may: apt-get install ${packages.join(' ')}`
  }
  return undefined
}

/** Installs the server unless it is there. Throws with apt-get's output when that fails. */
export async function installServer(name: ServerName): Promise<void> {
  if (isInstalled(name)) return
  const reason = whyUnavailable(name)
  if (reason !== undefined) throw new Error(reason)
  console.log(`    installing ${name} (${servers[name].packages.join(' ')})`)
  const install = ['install', '--no-install-recommends', ...servers[name].packages]
  await withoutServices(async () => {
    // package lists that are missing or old are the usual reason for a first failure
    const first = await aptGet(install)
    if (first.code === 0) return
    await aptGet(['update'])
    const second = await aptGet(install)
    if (second.code !== 0) throw new Error(`apt-get could not install ${name}:\n${second.output}`)
  })
  if (isInstalled(name)) return
  const { program, packages } = servers[name]
  throw new Error(`expected ${program} and ${packages.join(', ')} after apt-get, got less`)
}

/** Keeps package scripts from starting daemons on the machine's real ports. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const ours = !existsSync(policyFile)
  if (ours) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await work()
  } finally {
    if (ours) rmSync(policyFile, { force: true })
  }
}

async function aptGet(args: readonly string[]): Promise<{ code: number; output: string }> {
  // another test process may be installing: wait for its lock
  const child = spawn('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? 1, output }
}
