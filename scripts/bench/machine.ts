/** What the numbers were measured on, and with. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

import { findHaraka } from '../../plugins/stage/staged-install.js'

export type Machine = Readonly<Record<string, string>>

export function describeMachine(): Machine {
  const { version } = JSON.parse(
    readFileSync(join(findHaraka([__dirname]), 'package.json'), 'utf8'),
  ) as { version: string }
  const processors = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${systemName()}, Linux ${release()}`,
    Node: process.versions.node,
    Haraka: version,
    Postfix: debianVersion('postfix'),
    slapd: debianVersion('slapd'),
  }
}

function systemName(): string {
  const text = readFileSync('/etc/os-release', 'utf8')
  return /^PRETTY_NAME="(.*)"$/mu.exec(text)?.[1] ?? 'Linux'
}

function debianVersion(name: string): string {
  try {
    return execFileSync('dpkg-query', ['-W', '-f=${Version}', name], { encoding: 'utf8' })
  } catch {
    return 'not installed'
  }
}
