/**
 * Postfix as a contestant: what the pack does, with LDAP tables over the same directory. It keeps an
 * instance of its own, with its own folders.
 */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Postfix } from '../servers/postfix.js'
import { temporaryFolder } from '../servers/process.js'
import type { Slapd } from '../servers/slapd.js'
import type { Contestant } from './contestants.js'
import { domain } from './people.js'
import { untilEmpty } from './until-empty.js'
import { childrenOf, memory, processorSeconds } from './usage.js'

/** Postfix as it would do the same: contacts by virtual_alias_maps, ways out by transport_maps. */
export async function startPostfix(slapd: Slapd): Promise<Omit<Contestant, 'name' | 'recipients'>> {
  const folder = temporaryFolder('bench-postfix-tables')
  // Postfix's user has to get at the tables
  chmodSync(folder, 0o755)
  const server = `server_host = ${slapd.url}
version = 3
bind = yes
bind_dn = ${slapd.bindDn}
bind_pw = ${slapd.password}
search_base = ${slapd.baseDn}
`
  const table = (file: string, lines: string): string => {
    writeFileSync(join(folder, file), `${server}${lines}\n`, { mode: 0o644 })
    return `proxy:ldap:${join(folder, file)}`
  }
  const aliases = table(
    'aliases.cf',
    `domain = ${domain}\nquery_filter = (proxyAddresses=smtp:%s)\nresult_attribute = targetAddress`,
  )
  const transports = table(
    'transports.cf',
    'query_filter = (proxyAddresses=transport:%s)\nresult_attribute = mailNickname',
  )
  const postfix = await Postfix.start({
    host: '127.0.0.1',
    main: {
      virtual_alias_domains: domain,
      virtual_alias_maps: aliases,
      transport_maps: transports,
      proxy_read_maps: '$virtual_alias_maps $transport_maps',
      mynetworks: '127.0.0.0/8',
      smtpd_relay_restrictions: 'permit_mynetworks, reject',
      default_process_limit: '200',
      // an address of its own for each connection to the smart hosts is not needed here
      smtp_bind_address: '',
    },
  })
  return {
    port: postfix.port,
    pid: postfix.pid,
    drained: () => untilEmpty(async () => (await postfix.queue()).length),
    processor: () => processorSeconds(postfix.pid),
    memory: () => Math.max(...childrenOf(postfix.pid).map((pid) => memory(pid).now)),
    stop: () => postfix.remove(),
  }
}
