/** A replica of real servers: in step with them, without them, after a restart, and kept from their faults. */
import assert from 'node:assert/strict'

import { temporaryFolder } from '../../scripts/servers/process.js'
import { Samba } from '../../scripts/servers/samba.js'
import { Slapd } from '../../scripts/servers/slapd.js'
import { describeWithServers } from '../servers.js'
import {
  type Server,
  type Opened,
  open,
  answer,
  until,
  untilLogged,
  address,
  addresses,
  ldif,
  readdressed,
  without,
  renamed,
  deleted,
} from './replica-tools.js'

const quick = ['changes = 1s', 'refresh = 1h']

for (const kind of ['slapd', 'samba'] as const) {
  describeWithServers(
    kind === 'samba' ? ['samba', 'slapd'] : ['slapd'],
    `a replica of ${kind}`,
    function () {
      this.timeout(120_000)
      let slapd: Slapd | undefined
      let samba: Samba | undefined
      let server: Server & { modify(text: string): Promise<void> }
      const opened: Opened[] = []

      const keep = (one: Opened): Opened => {
        opened.push(one)
        return one
      }

      before(async () => {
        if (kind === 'slapd') {
          slapd = await Slapd.start()
          server = slapd
          await slapd.add(ldif(0, 300, slapd.baseDn))
        } else {
          samba = await Samba.start()
          const { host, baseDn, bindDn, password } = samba
          const real = samba
          server = {
            url: `ldap://${host}`,
            baseDn,
            bindDn,
            password,
            modify: (text) => real.modify(text),
          }
          await samba.add(ldif(0, 300, baseDn))
        }
      })
      afterEach(async () => {
        for (const one of opened.splice(0)) await one.directories.close()
      })
      after(async () => {
        await slapd?.remove()
        await samba?.remove()
      })

      it('follows changes, renamings and what loses its addresses, in between the whole readings', async () => {
        const replica = keep(open([server], temporaryFolder('state'), quick))
        await replica.directories.ready()
        await until(replica, 'found', addresses(0, 300))
        assert.equal(await answer(replica, 'nobody@example.com'), 'none')
        const { baseDn } = server
        await server.modify(
          [
            ...[0, 1, 2].map((index) => readdressed(index, baseDn)),
            ...[3, 4].map((index) => without(index, baseDn)),
            ...[5, 6].map((index) => renamed(index, baseDn)),
          ].join(''),
        )
        await until(replica, 'found', ['new0@example.com', 'new1@example.com', 'new2@example.com'])
        await until(replica, 'none', addresses(0, 5))
        // renamed: one object, not two that share an address
        await until(replica, 'found', addresses(5, 300))
        assert.ok(replica.log.lines.some((line) => /\d objects changed, [12] gone/u.test(line)))
        assert.equal(replica.log.lines.filter((line) => /in use after/u.test(line)).length, 1)
      })

      it('notices deletions, with the next whole reading at the latest', async () => {
        const replica = keep(
          open([server], temporaryFolder('state'), ['changes = 1s', 'refresh = 3s']),
        )
        await replica.directories.ready()
        await until(replica, 'found', addresses(10, 14))
        await server.modify([10, 11, 12].map((index) => deleted(index, server.baseDn)).join(''))
        await until(replica, 'none', addresses(10, 13))
        assert.equal(await answer(replica, address(13)), 'found')
      })

      it('tells a deletion between whole readings where the server does', async () => {
        const replica = keep(open([server], temporaryFolder('state'), quick))
        await replica.directories.ready()
        await until(replica, 'found', addresses(20, 22))
        await server.modify(deleted(20, server.baseDn))
        if (kind === 'samba') await until(replica, 'none', [address(20)])
        else await untilLogged(replica, /deleted objects are noticed every 60 min/u)
        assert.equal(await answer(replica, address(21)), 'found')
      })

      it('answers from the disk after a restart while every server is down', async () => {
        const state = temporaryFolder('state')
        const first = keep(open([server], state, quick))
        await first.directories.ready()
        await server.modify(readdressed(30, server.baseDn))
        await until(first, 'found', ['new30@example.com'])
        await first.directories.close()

        const away = { ...server, url: 'ldap://127.0.0.1:1' }
        const second = keep(open([away], state, quick))
        await second.directories.ready()
        await until(second, 'found', ['new30@example.com', ...addresses(31, 300)])
        await until(second, 'none', [address(30), 'nobody@example.com'])
        await untilLogged(second, /the replica was not read: .*127\.0\.0\.1:1/u)
        const [replica] = second.directories.replicas()
        assert.ok(replica && replica.age < 60_000, JSON.stringify(replica))
      })
    },
  )
}

describeWithServers(['slapd'], 'a replica of several servers', function () {
  this.timeout(120_000)
  let full: Slapd
  let half: Slapd
  const opened: Opened[] = []

  const openKept = (...args: Parameters<typeof open>): Opened => {
    const one = open(...args)
    opened.push(one)
    return one
  }

  before(async () => {
    full = await Slapd.start()
    await full.add(ldif(0, 300, full.baseDn))
    // the same base, but most of the people are missing
    half = await Slapd.start()
    await half.add(ldif(200, 300, half.baseDn))
  })
  after(async () => {
    for (const one of opened) await one.directories.close()
    await full.remove()
    await half.remove()
  })

  it('is read from the first that answers, and keeps out one that has lost most', async () => {
    const state = temporaryFolder('state')
    const lines = ['changes = 1s', 'refresh = 2s', 'max_age = 1h']
    const away = { ...plain(full), url: 'ldap://127.0.0.1:1' }
    const servers = [away, plain(full), plain(half)]
    const replica = openKept(servers, state, lines)
    await replica.directories.ready()
    await until(replica, 'found', addresses(0, 300))
    assert.equal(replica.directories.replicas()[0]?.server, full.url)
    await untilLogged(replica, /warn .*was read from the next server: .*127\.0\.0\.1:1/u)

    await full.stop()
    await untilLogged(
      replica,
      /error .*200 of 300 addresses are not there any more; .* it is kept out/u,
    )
    await until(replica, 'found', addresses(0, 300))
    await replica.directories.close()

    // nor after a restart
    const again = openKept(servers, state, lines)
    await again.directories.ready()
    await untilLogged(again, /error .*200 of 300 addresses are not there any more/u)
    await until(again, 'found', addresses(0, 300))
    await until(again, 'none', ['nobody@example.com'])
    await again.directories.close()

    const taken = openKept([plain(half)], state, [...lines, 'allow_shrink = true'])
    await until(taken, 'none', addresses(0, 200))
    await until(taken, 'found', addresses(200, 300))
  })

  it('says what it does not know once it is older than max_age', async () => {
    const state = temporaryFolder('state')
    const first = openKept([plain(half)], state)
    await first.directories.ready()
    await first.directories.close()
    await half.stop()
    const old = openKept([plain(half)], state, ['max_age = 1s', 'changes = 1s'])
    await until(old, 'failed', ['nobody@example.com'])
    await until(old, 'found', addresses(200, 300))
    await untilLogged(old, /crit .* less than a minute old, more than max_age/u)
  })

  it('does not use what was read with other settings', async () => {
    const state = temporaryFolder('state')
    await half.restart()
    const first = openKept([plain(half)], state)
    await first.directories.ready()
    await first.directories.close()
    await half.stop()
    const other = openKept([plain(half)], state, ['address_attributes = mail'])
    await other.directories.ready()
    assert.equal(await answer(other, address(250)), 'failed')
    await untilLogged(other, /it was read with other settings, and is not used/u)
  })
})

function plain({ url, baseDn, bindDn, password }: Server): Server {
  return { url, baseDn, bindDn, password }
}
