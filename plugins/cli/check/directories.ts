/**
 * Asks every directory: a file is read whole; each LDAP server is reached, bound to and searched, and
 * the first one that works is read whole. A directory that cannot be read is a finding, and unknown
 * in what follows.
 */
import { errorText } from '../../basics/error-text.js'
import { randomUUID } from 'node:crypto'

import { mailAddress } from '../../mail/mail-address.js'
import {
  directoryFile,
  type DirectoryConfig,
  type DirectorySettings,
  type FileSettings,
  type LdapServer,
  type LdapSettings,
} from '../../directory/config.js'
import type { Directory } from '../../directory/directory.js'
import { LdapAdministration } from '../../directory/ldap/administration.js'
import { describeFailure, UnusableAnswer } from '../../directory/ldap/failure.js'
import { filterFor, filterForAny } from '../../directory/ldap/filter.js'
import { ageText } from '../../directory/replica/replica-age.js'
import { replicaOnDisk } from '../../directory/replica/replica-directory.js'
import { attributesOfSchema } from '../../directory/schema.js'
import { stateFolderOf } from '../../config/state-folder.js'
import { strictNames } from '../../directory/file-reading.js'
import { fileRows, serverRows } from '../directory-rows.js'
import { ProgressBar } from '../progress-bar.js'
import { good, note, wrong, type Finding } from '../../operations/finding.js'
import { survey, unread, type Survey } from './survey.js'

// milliseconds that a lookup may take before it is worth a word
const slow = 500

export interface Asked {
  readonly directory: Survey | Directory
  readonly findings: readonly Finding[]
}

/** `offline`: files only. In the order of directory.ini. */
export async function askDirectories(
  { directories }: DirectoryConfig,
  configDir: string,
  offline: boolean,
): Promise<Asked[]> {
  const asked: Asked[] = []
  for (const settings of directories) asked.push(await ask(settings, configDir, offline))
  return asked
}

async function ask(
  settings: DirectorySettings,
  configDir: string,
  offline: boolean,
): Promise<Asked> {
  switch (settings.kind) {
    case 'file':
      return readFile(settings, configDir)
    case 'ldap':
      return offline
        ? { directory: unread(settings.name), findings: [] }
        : askServers(settings, configDir)
  }
}

async function readFile(settings: FileSettings, configDir: string): Promise<Asked> {
  const { name, path, schema } = settings
  const bar = new ProgressBar(`Reading ${path}`)
  try {
    const directory = await survey(
      name,
      fileRows(configDir, settings, bar, strictNames(schema)),
      schema,
    )
    return { directory, findings: [found(`directory ${name}`, `${path} was read`, directory)] }
  } catch (error) {
    return {
      directory: unread(name),
      findings: [
        wrong(
          `${directoryFile} [${name}] url`,
          `${path}: ${errorText(error)}`,
          'no address of this directory can be found out: mail is deferred (450 4.4.3)',
          'put the export there; the name is relative to config/',
        ),
      ],
    }
  } finally {
    bar.end()
  }
}

async function askServers(settings: LdapSettings, configDir: string): Promise<Asked> {
  const findings: Finding[] = []
  let directory: Survey | undefined
  for (const server of settings.servers) {
    const where = `directory ${settings.name}, ${server.url}`
    try {
      const { milliseconds, contents } = await askServer(server, settings, configDir)
      const how = `reached, bound and searched; a lookup takes ${milliseconds} ms`
      findings.push(found(where, how, contents))
      if (!contents.complete) findings.push(readInPart(where, contents))
      if (milliseconds > slow) findings.push(slowLookup(where, milliseconds))
      if (directory?.complete === true && contents.complete) {
        findings.push(...compare(where, directory, contents))
      }
      if (directory?.complete === true) continue
      directory = contents
    } catch (error) {
      findings.push(
        error instanceof UnusableAnswer
          ? notSeen(where, error)
          : unreachable(where, settings, error),
      )
    }
  }
  if (settings.mode === 'replica') findings.push(await replicaFinding(settings, configDir))
  return { directory: directory ?? unread(settings.name), findings }
}

async function askServer(
  server: LdapServer,
  settings: LdapSettings,
  configDir: string,
): Promise<{ milliseconds: number; contents: Survey }> {
  const { name, filter, timeout, schema } = settings
  const attributes = attributesOfSchema(schema)
  const bar = new ProgressBar(`Reading directory ${name}`)
  const opened = await LdapAdministration.open(server, settings, configDir, timeout)
  try {
    const started = performance.now()
    const nobody = mailAddress(randomUUID(), 'example.com')
    for await (const page of opened.pages(filterFor(filter, [nobody]), attributes)) {
      if (page.length > 0)
        throw new Error(`the filter finds objects for ${nobody.key}, a made-up address`)
    }
    const milliseconds = Math.ceil(performance.now() - started)
    await opened.lookAround(settings)
    const rows = serverRows(opened, filterForAny(filter), attributes, bar)
    return { milliseconds, contents: await survey(name, rows, schema) }
  } finally {
    bar.end()
    opened.end()
  }
}

/** How old the gateway's replica on disk is. */
async function replicaFinding(settings: LdapSettings, configDir: string): Promise<Finding> {
  const { name, maxAge } = settings
  const where = `directory ${name}, replica`
  const state = await replicaOnDisk(stateFolderOf(configDir), settings)
  if (typeof state === 'string') {
    return note(
      where,
      state,
      'until it is read, mail for this directory is deferred (450 4.4.3)',
      'start the gateway, and look in its log for what the reading says',
    )
  }
  const text = `${ageText(state.age)}, from ${state.server}`
  if (state.age <= maxAge) return good(where, text)
  return wrong(
    where,
    `${text}: older than max_age`,
    'addresses that are not in it are deferred (450 4.4.3), those in it go on for stale_ttl',
    'look whether the gateway runs, and in its log why no server could be read',
  )
}

function found(where: string, how: string, { objects, redirects, addresses }: Survey): Finding {
  return good(
    where,
    `${how}; ${objects} objects with ${addresses.size} addresses, ${redirects} of them lead on`,
  )
}

function readInPart(where: string, { objects }: Survey): Finding {
  return note(
    where,
    `gives this account ${objects} objects and no more`,
    'lookups work; what check says of contacts and addresses is about these objects only',
    'let the account read more at once (slapd: limits … size=unlimited), to have all of them checked',
  )
}

/** The server answers, and shows this account not what it asks for. */
function notSeen(where: string, { message }: UnusableAnswer): Finding {
  return wrong(
    where,
    message,
    'who is not found may be there all the same: mail for unknown addresses is deferred (450 4.4.3)',
    'give the account of bind_dn these rights on the server, or look at base_dn and filter',
  )
}

function slowLookup(where: string, milliseconds: number): Finding {
  return note(
    where,
    `a lookup takes ${milliseconds} ms`,
    'each recipient waits for it, and a busy gateway times out',
    'have the attributes of the filter indexed on the server',
  )
}

/** Servers of one directory are replicas. */
function compare(where: string, first: Survey, other: Survey): Finding[] {
  const difference = Math.abs(first.addresses.size - other.addresses.size)
  if (difference * 100 <= first.addresses.size) return []
  return [
    note(
      where,
      `knows ${other.addresses.size} addresses, the server before it ${first.addresses.size}`,
      'the answer depends on which of the servers is asked',
      'look whether replication works, and whether both hold the same base_dn',
    ),
  ]
}

function unreachable(where: string, settings: LdapSettings, error: unknown): Finding {
  const text = describeFailure(error)
  const alone = settings.servers.length === 1
  const todo = /certificate|self.signed|altnames|TLS|SSL/iu.test(text)
    ? 'name the authority of its certificate in tls_ca_file, and use the name in the certificate'
    : /: bind:/u.test(text)
      ? 'look at bind_dn and its password'
      : 'look whether the server runs, and the name, port and firewall'
  return wrong(
    where,
    text,
    alone
      ? 'no address can be found out: mail is deferred (450 4.4.3) but for addresses known from before'
      : 'lookups go to the other servers; when they fail too, mail is deferred (450 4.4.3)',
    todo,
  )
}
