/**
 * Hostile addresses, made with a fixed seed, as RCPT. Each is either a syntax error, or a lookup of
 * exactly that address: the directory is asked for nothing else, and the client gets no more than
 * "unknown".
 */
import assert from 'node:assert/strict'

import { mailAddress, parseMailAddress, unquoteLocal } from '../../plugins/mail/mail-address.js'
import { seeded } from '../../scripts/seeded.js'
import { FakeLdap } from '../directory/fake-ldap.js'
import { startDirectoryGateway, type DirectoryGateway } from './directory-gateway.js'

const count = 400
const signs = '*()\\&|!=<>~:;,.@"\'%{}/?#$ \t-_+^`[]'
const pieces = [
  "\\28 \\2a \\00 \\5c \\29)( %2a %s {address} {user} $& $'",
  '*)(uid=* )(|(mail=* *))(|(objectClass=* x)(proxyAddresses=smtp:* \u0000',
  'ü é 漢字 \u{1f4e7} u\u0308 ﬁ \u202e ß İ \ufffd',
  'user1 admin smtp: SMTP:user1 a b 1',
]
  .flatMap((words) => words.split(' '))
  .concat(signs.split(''), '\u00a0', 'l'.repeat(80))

function hostileAddresses(seed: number): string[] {
  const next = seeded(seed)
  const pick = (): string => pieces[Math.floor(next() * pieces.length)] ?? ''
  return Array.from({ length: count }, () => {
    const local = Array.from({ length: 1 + Math.floor(next() * 5) }, pick).join('')
    const form = Math.floor(next() * 3)
    if (form === 0) return `${local}@example.com`
    if (form === 1) return `"${local.replace(/["\\]/gu, '\\$&')}"@example.com`
    return `"${local}"@example.com`
  })
}

describe('hostile addresses over SMTP', function () {
  this.timeout(60_000)
  let server: FakeLdap
  let mail: DirectoryGateway

  before(async () => {
    server = await FakeLdap.start({ 'user1@example.com': 'user1@remote.domain' })
    mail = await startDirectoryGateway(
      ['[fake]', `url = ${server.url}`, 'base_dn = dc=fake', '[cache]', 'negative_ttl = 0'],
      10_000,
    )
  })
  after(async () => {
    await mail.stop()
    await server.stop()
  })

  it(`${count} of them: a syntax error, or a lookup of exactly that address`, async () => {
    let lookups = 0
    let refused = 0
    for (const address of hostileAddresses(20_261)) {
      server.asked.length = 0
      const reply = await mail.rcpt(address)
      const shown = `${JSON.stringify(address)}: ${reply.text}; asked ${JSON.stringify(server.asked)}`
      if (server.asked.length === 0) {
        refused += 1
        // Haraka's own check of the syntax, or ours
        assert([500, 501, 550, 553].includes(reply.code), shown)
        assert.notEqual(reply.enhanced, '5.1.1', shown)
        continue
      }
      lookups += 1
      const at = address.lastIndexOf('@')
      const local = unquoteLocal(address.slice(0, at)) ?? address.slice(0, at)
      const { key } = mailAddress(local, 'example.com')
      for (const asked of server.asked) {
        const plain =
          parseMailAddress(asked)?.key ??
          mailAddress(asked.slice(0, asked.lastIndexOf('@')), 'example.com').key
        assert.equal(plain, key, shown)
      }
      const isUser = key === 'user1@example.com'
      assert.equal(`${reply.code} ${reply.enhanced}`, isUser ? '250 2.1.5' : '550 5.1.1', shown)
    }
    // both ways were taken often
    assert(lookups > count / 5 && refused > count / 5, `${lookups} lookups, ${refused} refused`)
  })
})
