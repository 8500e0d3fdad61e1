/** Who is in the directory of the decision tables, who asks, and how a decision is written there. */
import assert from 'node:assert/strict'

import { mailAddress } from '../../plugins/mail/mail-address.js'
import { placeKey } from '../../plugins/mail/place.js'
import { decideRecipient, type Decided } from '../../plugins/decision/mail-switch.js'
import { address, makeSwitch, type SwitchOptions, type TestObject } from './fixture.js'

export const objects: TestObject[] = [
  { dn: 'CN=Anna', addresses: ['anna@example.com', 'anna@example.local'] },
  { dn: 'CN=Admin', addresses: ['admin@example.local'] },
  {
    dn: 'CN=Internet User',
    addresses: ['internetuser@remote.domain', 'internetuser@xo.one'],
    target: 'internetUser@remote.domain',
  },
  { dn: 'CN=First', addresses: ['first@example.com'], target: 'second@example.com' },
  { dn: 'CN=Second', addresses: ['second@example.com'], target: 'third@remote.domain' },
  { dn: 'CN=To Anna', addresses: ['to-anna@example.com'], target: 'anna@example.local' },
  { dn: 'CN=Lost', addresses: ['lost@example.com'], target: 'lost@nowhere.example' },
  { dn: 'CN=Dangling', addresses: ['dangling@example.com'], target: 'gone@example.local' },
  { dn: 'CN=Own', addresses: ['own@example.com'], target: 'own@example.com' },
  { dn: 'CN=Unusable', addresses: ['unusable@example.com'], contact: true },
  { dn: 'CN=X400', addresses: ['x400@example.com'], target: 'X400:c=US;a= ;p=Corp' },
  { dn: 'CN=Circle A', addresses: ['a@example.com'], target: 'b@example.com' },
  { dn: 'CN=Circle B', addresses: ['b@example.com'], target: 'a@example.com' },
  { dn: 'CN=Twin 1', addresses: ['twin@example.com'] },
  { dn: 'CN=Twin 2', addresses: ['twin@example.com'] },
  { dn: 'CN=Half', addresses: ['half%half@example.com'] },
  { dn: 'CN=X400 User', addresses: ['x400-user@example.com'], target: 'u%x400@remote.domain' },
  { dn: 'CN=To Down', addresses: ['to-down@example.com'], target: 'down@example.com' },
]
export const failing = ['down@example.com', 'down@example.local', 'postmaster@xo.one']

export const stranger = '198.51.100.1'
export const unix = '192.0.2.10'
export const remote = '192.0.2.20'
export const partner = '192.0.2.31'

/** `rule place address` of an accepted recipient, `rule code enhanced` of a refused one. */
export function summary({ decision }: Decided): string {
  if (!decision.accepted) {
    return `${decision.rule} ${decision.reply.code} ${decision.reply.enhanced}`
  }
  const { destination } = decision
  const place = destination.kind === 'left' ? 'left' : placeKey(destination)
  return `${decision.rule} ${place} ${decision.address.local}@${decision.address.domain}`
}

type Case = [recipient: string, ip: string, mayRelay: boolean, expected: string]

export function table(name: string, options: SwitchOptions, cases: Case[]): void {
  describe(`decision: ${name}`, () => {
    const parts = makeSwitch({ objects, failing, ...options })
    for (const [recipient, ip, mayRelay, expected] of cases) {
      const who = mayRelay ? 'a relaying client' : 'a stranger'
      it(`${recipient} from ${who} at ${ip}: ${expected}`, async () => {
        const bare = recipient === 'postmaster' || recipient === ''
        const to = bare ? mailAddress(recipient, '') : address(recipient)
        assert.equal(summary(await decideRecipient(parts, { ip, mayRelay }, to)), expected)
      })
    }
  })
}

export const verifying = `
[unix]
address_spaces = example.com
smart_hosts = [192.0.2.10]
allow_relay = true
verify_recipients = true
`
