/**
 * status: the status page, metrics and health of the gateway. Every process counts what it does; the
 * first one, whatever `nodes`, listens and asks the others.
 *
 * A faulty section, or a token that cannot be used, stops Haraka at its start like any other fault of
 * the configuration. A port that is taken does not: mail is more important than the page.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { heirOf } from '../basics/user-ids.js'
import { explain } from '../decision/explanation.js'
import { closeAll, refuseStart } from '../gateway/part.js'
import type { HarakaPlugin } from '../haraka/haraka.js'
import { hook } from '../haraka/hook.js'
import { carryOn } from '../haraka/replies.js'
import { mailAddress, parseMailAddress } from '../mail/mail-address.js'
import { startReporting } from '../operations/metrics/process-report.js'
import { enableOperations, Operations } from '../operations/operations.js'
import { HttpProcess } from './http-process.js'
import { explanationHtml } from './page/explanation.js'
import { answer } from './routes.js'
import { readAssets } from './assets.js'
import { QueueSource, type QueueAction } from './queue-source.js'
import { Token } from './token.js'
import { Tracer } from './tracer.js'
import { GatewayWatch } from './watch.js'

// TEST-NET-1 (RFC 5737): nobody's address
const stranger = { ip: '192.0.2.1', mayRelay: false }

const servers = new WeakMap<HarakaPlugin, HttpProcess>()
const tokens = new WeakMap<HarakaPlugin, Token>()

export function register(this: HarakaPlugin): void {
  const operations = enableOperations(this)
  const { tokenFile } = operations.config.status
  try {
    if (tokenFile !== '') tokens.set(this, new Token(operations.pack.files.configDir, tokenFile))
  } catch (error) {
    throw refuseStart(this, error)
  }
  startReporting(operations)
  this.register_hook('init_master', 'openStatus')
}

/** In the first process only; it never keeps Haraka from starting. */
export const openStatus = hook('init_master', 10, async ({ plugin }) => {
  try {
    const server = makeServer(plugin)
    servers.set(plugin, server)
    await server.start()
  } catch (error) {
    plugin.logerror(`the status page cannot be opened: ${String(error)}; mail goes on`)
  }
  return carryOn
})

function makeServer(plugin: HarakaPlugin): HttpProcess {
  const operations = Operations.of(plugin)
  const { pack, config } = operations
  const { listen } = config.status
  const queue = new QueueSource(operations)
  const watch = new GatewayWatch(operations, queue, packageVersion())
  const token = tokens.get(plugin)
  const tracer = new Tracer(operations, queue, token && (() => token.own))
  const served = {
    gateway: pack.hostName,
    listen,
    token,
    assets: readAssets(),
    look: () => watch.look(),
    metrics: () => watch.metrics(),
    explain: async (address: string) => {
      const recipient =
        address.toLowerCase() === 'postmaster'
          ? mailAddress(address, '')
          : parseMailAddress(address.replace(/^<(.*)>$/u, '$1'))
      if (!recipient) throw new Error('expected an address such as anna@example.com')
      return explanationHtml(await explain(pack.switch, stranger, recipient))
    },
    get traces() {
      return tracer.possible
    },
    trace: (what: string) => tracer.trace(what),
    stories: (what: string) => tracer.stories(what),
    act: async (action: QueueAction, by: string) => {
      const done = await queue.act(action, by)
      watch.forget()
      return done
    },
  }
  return new HttpProcess({ listen, heir: heirOf(operations.user) }, pack.files.log, (asked) =>
    answer(served, asked),
  )
}

export function shutdown(this: HarakaPlugin): void {
  servers.get(this)?.close()
  closeAll(this, Operations.of(this))
}

function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', 'package.json'), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
