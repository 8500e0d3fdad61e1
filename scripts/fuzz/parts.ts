/**
 * Everything of the pack that reads what comes from outside and can be asked without a server: addresses,
 * replies, headers, loop fields, log lines, configuration, queue files, directory values. Each throws at most
 * what it promises to throw, and answers in time.
 */
import assert from 'node:assert/strict'

import { ConfigError } from '../../plugins/config/settings.js'
import { parseAcceptedDomains } from '../../plugins/decision/accepted-domains-config.js'
import { parseConnectorsConfig } from '../../plugins/decision/connectors-config.js'
import { formatRecord } from '../../plugins/decision/decision-record.js'
import { parseHead, parseQueueFileName } from '../../plugins/delivery/queue/queue-heads.js'
import {
  envidOf,
  fromXtext,
  notifyOf,
  orcptOf,
  xtext,
} from '../../plugins/delivery/smtp/dsn-parameters.js'
import { ReplyError, ReplyParser } from '../../plugins/delivery/smtp/smtp-reply.js'
import { dnKey, firstPart, isBelow } from '../../plugins/directory/distinguished-name.js'
import { toEntry } from '../../plugins/directory/entry.js'
import { restoreHeader } from '../../plugins/haraka/raw-header.js'
import { listsOf, LoopTokens } from '../../plugins/loop/tokens.js'
import { formatMailAddress, parseMailAddress } from '../../plugins/mail/mail-address.js'
import { parseNetwork } from '../../plugins/mail/network.js'
import { formatSmartHost, parseSmartHost } from '../../plugins/mail/smart-host.js'
import { parseDecision } from '../../plugins/stage/decision-log.js'
import { pieces, type Chance } from './random.js'

const tokens = new LoopTokens(['x'.repeat(32)])
const text = (chance: Chance): string => chance.text(pieces)

/** What may be thrown besides; anything else is a finding. */
function allowing(
  kinds: readonly (abstract new (...args: never[]) => Error)[],
  work: () => void,
): void {
  try {
    work()
  } catch (error) {
    if (!kinds.some((kind) => error instanceof kind)) throw error
  }
}

export const parts: Readonly<Record<string, (chance: Chance) => void>> = {
  address: (chance) => {
    const written = chance.once(2) ? text(chance) : `${text(chance)}@${chance.pick(pieces)}`
    const address = parseMailAddress(written)
    if (!address) return
    const again = parseMailAddress(formatMailAddress(address))
    assert.equal(again?.key, address.key, `${JSON.stringify(written)} is not read back`)
  },
  replies: (chance) => {
    const parser = new ReplyParser()
    allowing([ReplyError], () => {
      for (let chunks = chance.below(8); chunks > 0; chunks -= 1) {
        for (const { code } of parser.feed(Buffer.from(text(chance))))
          assert.ok(code >= 200 && code < 600)
      }
    })
  },
  'loop fields': (chance) => {
    const fields = Array.from({ length: chance.below(20) }, () => text(chance))
    const reader = tokens.reader(fields, listsOf(fields))
    assert.equal(
      reader?.('connector:unix', 'anna@example.com') ?? false,
      false,
      'a token was forged',
    )
    for (const field of tokens.fields('gateway', text(chance), [text(chance)])) {
      for (const line of field.split('\r\n')) assert.ok(Buffer.byteLength(line) < 998)
    }
  },
  header: (chance) => {
    const raw = Array.from({ length: chance.below(12) }, () => `${text(chance)}\r\n`).join('')
    restoreHeader(Buffer.from(raw), chance.below(12), raw.split('\r\n'), 'utf8', chance.once(2))
  },
  'the log': (chance) => {
    const values = [text(chance), text(chance), text(chance)] as const
    const [recipient, detail, link] = values
    const record = {
      recipient,
      decision: 'unknown',
      reply: '550 5.1.1',
      detail,
      chain: [recipient, link],
    }
    const line = `[NOTICE] [1.1] [address-space/accepted-domains] ${formatRecord(record)}`
    assert.doesNotMatch(line, /[\r\n]/u)
    const read = parseDecision(line)
    assert.deepEqual([read?.recipient, read?.detail, read?.chain[1]], values)
    parseDecision(chance.mutate(line, pieces))
    const foreign = `[INFO] [1] [core] ${text(chance)}${line}`
    assert.equal(parseDecision(foreign), undefined, 'a line of another plugin was believed')
  },
  configuration: (chance) => {
    const lines = Array.from({ length: chance.below(10) }, () =>
      chance.once(3)
        ? `[${chance.text(pieces, 2)}]`
        : `${chance.pick(['shared', 'sources', 'smart_hosts', 'tls', 'retry', text(chance)])} = ${text(chance)}`,
    )
    allowing([ConfigError], () => void parseAcceptedDomains(lines))
    allowing([ConfigError], () => void parseConnectorsConfig(lines))
  },
  hosts: (chance) => {
    const written = chance.mutate(
      chance.pick(['[192.0.2.1]:25', 'lmtp://unix:/x', 'a.example', '::1/64']),
      pieces,
    )
    const host = parseSmartHost(written)
    if (host) assert.deepEqual(parseSmartHost(formatSmartHost(host)), host, JSON.stringify(written))
    parseNetwork(written)?.has('192.0.2.1')
  },
  'queue files': (chance) => {
    const head = {
      queue_time: 1,
      domain: 'd',
      rcpt_to: [],
      notes: { address_space: { version: 1 } },
    }
    const json = chance.once(2)
      ? JSON.stringify(chance.spoil(head, pieces))
      : chance.mutate(JSON.stringify(head), pieces)
    allowing([Error], () => void parseHead(json))
    parseQueueFileName(chance.mutate('1700000000000_1700000000000_0_4242_AbCdEf_7_gateway', pieces))
  },
  'DSN parameters': (chance) => {
    const value = text(chance)
    envidOf(value)
    notifyOf(value)
    const orcpt = orcptOf(chance.once(2) ? value : undefined, text(chance))
    // eslint-disable-next-line no-control-regex -- control characters are what it looks for
    assert.doesNotMatch(orcpt, /[\u0000-\u0020\u007f]/u)
    fromXtext(value)
    xtext(value)
  },
  'directory values': (chance) => {
    const attributes = new Map(
      ['proxyAddresses', 'targetAddress', 'objectClass', 'mail'].map((name) => [
        name,
        Array.from({ length: chance.below(4) }, () => text(chance)),
      ]),
    )
    const { entry } = toEntry(text(chance), attributes)
    for (const address of entry.addresses) assert.ok(address.includes('@'), address)
  },
  'distinguished names': (chance) => {
    const dn = chance.mutate('CN=Example\\, Anna,OU=\\2C,DC=corp', pieces)
    dnKey(dn)
    firstPart(dn)
    isBelow(dn, 'DC=corp')
  },
}
