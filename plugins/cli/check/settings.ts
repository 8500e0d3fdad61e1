/**
 * What the files of an install say, without asking anybody: every error of every file, the lines of
 * `config/plugins`, secrets that cannot be read, and settings that are allowed but rarely meant.
 */
import { errorText } from '../../basics/error-text.js'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

import type { AcceptedDomainsConfig } from '../../decision/accepted-domains-config.js'
import type { Environment } from '../../config/environment.js'
import { readSecretFile } from '../../config/secret-file.js'
import { ConfigError } from '../../config/settings.js'
import {
  connectorsFile,
  type Connector,
  type ConnectorsConfig,
} from '../../decision/connectors-config.js'
import { loadLoopSecrets } from '../../loop/secret.js'
import { directoryFile, type DirectoryConfig } from '../../directory/config.js'
import type { LdapSettings } from '../../directory/ldap/ldap-settings.js'
import { mailboxPlace } from '../../directory/mailboxes.js'
import { directoryFileErrors } from '../../directory/directory-file-errors.js'
import type { Configuration } from '../../decision/configuration.js'
import { readStatusToken } from '../../operations/status-token.js'
import { operationsFile, parseOperationsConfig } from '../../operations/operations-config.js'
import { configurationOf, type Install } from '../opened-install.js'
import { findingOf } from './config-error.js'
import { note, type Finding } from '../../operations/finding.js'
import { checkIdentities } from './identity.js'
import { checkPluginLines } from './plugin-lines.js'
import { checkSecretOwners } from './secret-owners.js'

export interface SettingsCheck {
  readonly findings: Finding[]
  /** absent when it has errors: then nothing can be asked */
  readonly configuration?: Configuration
}

export function checkSettings(install: Install, env: Environment): SettingsCheck {
  let configuration
  try {
    configuration = configurationOf(install)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const findings = [...checkPluginLines(install.plugins, false), ...error.errors.map(findingOf)]
    return { findings: [...findings, ...checkOperations(install)] }
  }
  const { acceptedDomains, directories, connectors } = configuration
  const needsQueue =
    directories?.directories.some((one) => mailboxPlace(one) === undefined) ?? false
  return {
    findings: [
      ...checkPluginLines(install.plugins, needsQueue),
      ...checkOperations(install),
      ...(directories ? checkDirectories(directories, env) : []),
      ...(connectors ? checkConnectors(connectors, acceptedDomains, env) : []),
      ...(connectors ? checkIdentities(connectors, install, env) : []),
      ...checkSecretOwners(install, configuration),
      ...(acceptedDomains ? checkHostList(install, acceptedDomains) : []),
    ],
    configuration,
  }
}

/** address-space.ini: what the gateway keeps for its administrator. */
function checkOperations(install: Install): Finding[] {
  try {
    const { status } = parseOperationsConfig(install.lines(operationsFile))
    const used = install.plugins.includes('address-space/status') && status.tokenFile !== ''
    return used ? checkToken(install, status.tokenFile) : []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.errors.map(findingOf)
  }
}

function checkDirectories(config: DirectoryConfig, env: Environment): Finding[] {
  return [
    ...directoryFileErrors(config, env).map(findingOf),
    ...config.directories.flatMap((settings) =>
      settings.kind === 'ldap' ? checkEncryption(settings) : [],
    ),
  ]
}

function checkEncryption(settings: LdapSettings): Finding[] {
  const { name, servers, bindDn, startTls, tlsVerify } = settings
  const where = `${directoryFile} [${name}]`
  const plain = servers.filter(
    ({ secure, host }) => !secure && !/^(127\.|::1$|localhost$)/u.test(host),
  )
  if (plain.length > 0 && !startTls && bindDn !== '') {
    return [
      note(
        `${where} url`,
        `${plain[0]?.url ?? ''} is not encrypted`,
        'the password and every address looked up cross the network in plain text',
        'use ldaps://, or set start_tls = true',
      ),
    ]
  }
  const encrypted = startTls || servers.some(({ secure }) => secure)
  if (!encrypted || tlsVerify) return []
  return [
    note(
      `${where} tls_verify`,
      'is false',
      'whoever gets between can pose as the directory, and read the password',
      'name the authority of the certificates in tls_ca_file, and set tls_verify = true',
    ),
  ]
}

function checkConnectors(
  config: ConnectorsConfig,
  acceptedDomains: AcceptedDomainsConfig | undefined,
  env: Environment,
): Finding[] {
  return [
    ...checkLoopSecret(config, env),
    ...[...config.connectors.values()].flatMap((connector) => [
      ...checkPassword(connector, env),
      ...(acceptedDomains ? checkOpenSpaces(connector, acceptedDomains) : []),
    ]),
  ]
}

/** The file is made by the gateway, so it is only read here. */
function checkLoopSecret({ loopSecretFile }: ConnectorsConfig, env: Environment): Finding[] {
  if (!existsSync(resolve(env.configDir, loopSecretFile))) return []
  try {
    loadLoopSecrets(env, loopSecretFile, { user: '', make: false })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.errors.map(findingOf)
  }
}

function checkPassword(connector: Connector, env: Environment): Finding[] {
  const { name, authPasswordFile, tls } = connector
  if (authPasswordFile === '') return []
  const where = `${connectorsFile} [${name}]`
  try {
    readSecretFile(env.configDir, authPasswordFile)
  } catch (error) {
    return [findingOf(`${where} auth_password_file: ${errorText(error)}`)]
  }
  if (tls !== 'none') return []
  return [
    note(
      `${where} tls`,
      'is none, and there is a password',
      'the password crosses the network in plain text',
      'set tls = verify, or required where the certificate cannot be checked',
    ),
  ]
}

/** Open address spaces that no accepted domain covers: the open door leads nowhere. */
function checkOpenSpaces(
  { name, allowRelay, addressSpaces }: Connector,
  { domains, table }: AcceptedDomainsConfig,
): Finding[] {
  const spaces = addressSpaces.filter(
    ({ kind, domain }) =>
      kind !== 'all' &&
      table.find(domain) === undefined &&
      !domains.some(({ space }) => space.domain === domain || space.domain.endsWith(`.${domain}`)),
  )
  if (!allowRelay || spaces.length === 0) return []
  return [
    note(
      `${connectorsFile} [${name}] address_spaces`,
      `${spaces.map((space) => space.name).join(', ')}: in no accepted domain`,
      'strangers are refused there in spite of allow_relay (550 5.7.1); contacts may lead there',
      'add it to shared or relay if the world should reach it',
    ),
  ]
}

/** Domains that Haraka took mail for before. */
function checkHostList(install: Install, { table }: AcceptedDomainsConfig): Finding[] {
  if (!install.parts.includes('accepted-domains')) return []
  const lost = install.list('host_list').filter((domain) => !table.find(domain.toLowerCase()))
  if (lost.length === 0) return []
  return [
    note(
      'config/host_list',
      `${lost.join(', ')}: not in accepted-domains.ini`,
      'mail for it is refused as an attempt to relay (550 5.7.1), also where it was taken before',
      'add it to accepted-domains.ini if this gateway takes its mail',
    ),
  ]
}

function checkToken({ configDir }: Install, file: string): Finding[] {
  try {
    readStatusToken(configDir, file)
    return []
  } catch (error) {
    return [findingOf(`${operationsFile} [status] token_file: ${errorText(error)}`)]
  }
}
