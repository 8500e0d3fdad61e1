/**
 * The LDAP server that `import` and `export` work on: that of a section of directory.ini, with another
 * server or account where the command line names one. The gateway's own account should only read.
 */
import { errorText } from '../basics/error-text.js'
import { extname, resolve } from 'node:path'
import { cwd } from 'node:process'

import { Option } from 'commander'

import { directoryFile, parseDirectoryConfig, type DirectorySettings } from '../directory/config.js'
import type { LdapSettings } from '../directory/ldap/ldap-settings.js'
import { LdapAdministration } from '../directory/ldap/administration.js'
import type { Install } from './opened-install.js'

export interface ServerOptions {
  readonly directory: string
  readonly url?: string
  readonly bindDn?: string
  readonly passwordFile?: string
}

// a global catalog takes no changes
const catalogPorts = [3268, 3269]
// milliseconds for connecting, when there is a person to wait
const patience = 10_000

export function serverOptions(): Option[] {
  return [
    new Option('--url <url>', 'another server of that directory, such as ldaps://dc1.example.com'),
    new Option('--bind-dn <dn>', 'another account than the gateway uses'),
    new Option('--password-file <file>', 'the password of that account, for its owner alone'),
  ]
}

/** `.csv` or `.ldif`. */
export function formatOf(file: string): 'csvde' | 'ldif' {
  const extension = extname(file).toLowerCase()
  if (extension === '.csv') return 'csvde'
  if (extension === '.ldif') return 'ldif'
  throw new Error(`expected a file named .csv or .ldif, got ${file}`)
}

/** The section of directory.ini. Throws when there is none of that name. */
export function directorySettings(install: Install, name: string): DirectorySettings {
  const { directories } = parseDirectoryConfig(install.lines(directoryFile))
  const settings = directories.find((one) => one.name === name)
  if (settings) return settings
  const names = directories.map((one) => one.name).join(', ')
  throw new Error(`expected a section of ${directoryFile} (${names}), got ${name}`)
}

export function ldapSettings(install: Install, name: string): LdapSettings {
  const settings = directorySettings(install, name)
  if (settings.kind === 'ldap') return settings
  throw new Error(
    `directory ${name} is the file ${settings.path}: change the file itself; expected an LDAP directory`,
  )
}

/** As the options change the settings. */
export function withOptions(settings: LdapSettings, options: ServerOptions): LdapSettings {
  const { url, bindDn, passwordFile } = options
  if ((bindDn === undefined) !== (passwordFile === undefined)) {
    throw new Error('expected --bind-dn and --password-file together')
  }
  const parsed =
    url === undefined
      ? undefined
      : parseDirectoryConfig([
          '[given]',
          `url = ${url}`,
          'base_dn = any',
          `start_tls = ${settings.startTls && url.startsWith('ldap:')}`,
        ]).directories[0]
  return {
    ...settings,
    ...(parsed?.kind === 'ldap' && { servers: parsed.servers, startTls: parsed.startTls }),
    ...(bindDn !== undefined &&
      passwordFile !== undefined && {
        bindDn,
        bindPassword: '',
        bindPasswordFile: resolve(cwd(), passwordFile),
      }),
  }
}

/** The first server that can be reached. Rejects with what each of them said. */
export async function openServer(
  settings: LdapSettings,
  configDir: string,
): Promise<LdapAdministration> {
  const reasons: string[] = []
  for (const server of settings.servers) {
    try {
      return await LdapAdministration.open(server, settings, configDir, patience)
    } catch (error) {
      reasons.push(errorText(error))
    }
  }
  throw new Error(reasons.join('\n'))
}

/** The same for one that takes changes. */
export async function openForWriting(
  settings: LdapSettings,
  options: ServerOptions,
  configDir: string,
): Promise<LdapAdministration> {
  const given = withOptions(settings, options)
  const catalog = given.servers.find(({ port }) => catalogPorts.includes(port))
  if (catalog) {
    throw new Error(
      `${catalog.url} is a global catalog, which takes no changes; name a domain controller with --url, such as ldaps://${catalog.host}`,
    )
  }
  return openServer(given, configDir)
}
