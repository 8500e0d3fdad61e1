/** What `check` says of certificates. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { daysLeft, missingIssuer } from '../../plugins/cli/check/identity.js'
import { tempDir } from '../harness/temp.js'
import { describeWithServers } from '../servers.js'
import { Authority } from '../e2e/identity/authority.js'

describeWithServers(['openssl'], 'check: certificates', () => {
  const dir = tempDir('check-identity')
  let authority: Authority

  before(async () => {
    mkdirSync(join(dir, 'one'))
    authority = await Authority.make(join(dir, 'one'))
  })

  it('tells the days that are left', async () => {
    const kindOf = async (days: number): Promise<string> =>
      daysLeft('x', new X509Certificate((await authority.issue('a.example', days)).cert)).kind
    assert.deepEqual([await kindOf(90), await kindOf(10)], ['good', 'note'])
    assert.equal(
      daysLeft('x', { validTo: 'Jan  1 00:00:00 2020 GMT', subject: 'CN=a' }).kind,
      'wrong',
    )
  })

  it('finds a chain that ends nowhere', async () => {
    const leaf = new X509Certificate((await authority.issue('b.example')).cert)
    assert.equal(missingIssuer(leaf, []), 'CN=authority')
    assert.equal(missingIssuer(leaf, [new X509Certificate(authority.ca)]), undefined)
  })
})
