/**
 * Every member of Haraka that our types declare exists in the installed Haraka. The compiler sees to
 * it that no declared member is missing here; a real Haraka is asked for each of them.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import {
  returnCodes,
  type HarakaConfig,
  type HarakaConnection,
  type HarakaHeader,
  type HarakaMessageStream,
  type HarakaPlugin,
  type HarakaResults,
  type HarakaTransaction,
} from '../../plugins/haraka/haraka.js'
import type {
  HarakaOutbound,
  HarakaQueue,
  QueueItem,
  QueueTodo,
} from '../../plugins/haraka/outbound.js'
import { send, startGateway } from '../harness/haraka.js'

type Members<T> = Record<keyof T, true>
const members = <T>(all: Members<T>): string[] => Object.keys(all)

const log = {
  logdebug: true,
  loginfo: true,
  lognotice: true,
  logwarn: true,
  logerror: true,
} as const

/** What a real Haraka is asked for; the probe knows each object by its name here. */
const declared = {
  plugin: members<HarakaPlugin>({
    ...log,
    name: true,
    config: true,
    timeout: true,
    register_hook: true,
    haraka_require: true,
    logcrit: true,
  }),
  config: members<HarakaConfig>({ root_path: true, overrides_path: true, get: true }),
  connection: members<HarakaConnection>({
    ...log,
    uuid: true,
    remote: true,
    local: true,
    hello: true,
    relaying: true,
    transaction: true,
    notes: true,
    client: true,
  }),
  transaction: members<HarakaTransaction>({
    uuid: true,
    mail_from: true,
    rcpt_to: true,
    header: true,
    header_lines: true,
    message_stream: true,
    notes: true,
    results: true,
    cfg: true,
    encoding: true,
    add_header: true,
    add_leading_header: true,
    remove_header: true,
  }),
  header: members<HarakaHeader>({ get_all: true, get: true, header_list: true }),
  stream: members<HarakaMessageStream>({
    bytes_read: true,
    spooling: true,
    add_line: true,
    headers: true,
    idx: true,
    pipe: true,
    unpipe: true,
    on: true,
    off: true,
    destroy: true,
  }),
  results: members<HarakaResults>({ add: true, push: true }),
  outbound: members<HarakaOutbound>({
    HMailItem: true,
    qfile: true,
    delivery_queue: true,
    temp_fail_queue: true,
    stats: true,
  }),
  timers: members<HarakaOutbound['temp_fail_queue']>({ queue: true, add: true, fire: true }),
  queue: members<HarakaQueue>({
    queue_dir: true,
    delete_dot_files: true,
    _add_file: true,
  }),
  qfile: members<HarakaOutbound['qfile']>({ name: true, parts: true, platformDOT: true }),
  item: members<QueueItem>({
    todo: true,
    filename: true,
    path: true,
    num_failures: true,
    file_size: true,
    data_start: true,
    cfg: true,
    next_cb: true,
    get_mx: true,
    temp_fail: true,
    delivered: true,
    discard: true,
  }),
  itemConfig: members<QueueItem['cfg']>({ temp_fail_intervals: true }),
  todo: members<QueueTodo>({
    queue_time: true,
    domain: true,
    rcpt_to: true,
    mail_from: true,
    notes: true,
    uuid: true,
    force_tls: true,
  }),
}

const probe = `
const fs = require('node:fs')
const path = require('node:path')
const declared = ${JSON.stringify(declared)}
const missing = []
const ask = (name, object) => {
  for (const member of declared[name]) if (!(member in object)) missing.push(name + '.' + member)
}
exports.register = function () {
  ask('outbound', this.haraka_require('outbound'))
  ask('qfile', this.haraka_require('outbound').qfile)
  ask('timers', this.haraka_require('outbound').temp_fail_queue)
  ask('queue', this.haraka_require('outbound/queue'))
  ask('config', Object.assign(Object.create(this.config), { overrides_path: this.config.overrides_path }))
  if (typeof this.haraka_require('server').notes !== 'object') missing.push('server.notes')
}
exports.hook_rcpt = (next) => next(OK)
exports.hook_queue = function (next, connection) {
  ask('plugin', this)
  ask('connection', connection)
  ask('transaction', connection.transaction)
  ask('header', connection.transaction.header)
  ask('stream', connection.transaction.message_stream)
  ask('results', connection.transaction.results)
  this.haraka_require('outbound').send_trans_email(connection.transaction, next)
}
exports.hook_send_email = (next, item) => {
  ask('item', item)
  ask('itemConfig', item.cfg)
  ask('todo', item.todo)
  const codes = { cont: CONT, stop: STOP, deny: DENY, denySoft: DENYSOFT, denySoftDisconnect: DENYSOFTDISCONNECT, delay: DELAY, ok: OK }
  const file = path.join(process.env.HARAKA, 'found.json')
  fs.writeFileSync(file + '.new', JSON.stringify({ missing, codes }))
  fs.renameSync(file + '.new', file)
  item.lognotice('the probe is through')
  next(DELAY, 3600)
}
`

describe('the installed Haraka', () => {
  it('has every member that our types declare', async () => {
    const gateway = await startGateway({
      plugins: ['probe'],
      pluginFiles: { 'probe.js': probe },
    })
    try {
      const from = gateway.logLines.length
      await send(gateway, { from: 'a@client.example', to: ['b@example.com'] })
      await gateway.waitForLog(/the probe is through/u, 10_000, from)
      const found: unknown = JSON.parse(await readFile(join(gateway.dir, 'found.json'), 'utf8'))
      assert.deepEqual(found, { missing: [], codes: returnCodes })
    } finally {
      await gateway.stop()
    }
  })
})
