/**
 * Haraka started as root that changes to another user (smtp.ini `user`), with two processes: the first
 * one stays root. What it keeps belongs to that user, and the others can write it.
 */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'

import { runCommand } from '../../cli/command.js'
import { FaultServer } from '../../harness/fault-server.js'
import { makeGateway, send, type GatewayProcess } from '../../harness/haraka.js'
import { eventually } from '../delivery/faults.js'

const user = 'nobody'

describe('a gateway that changes its user', function () {
  this.timeout(60_000)
  let unix: FaultServer
  let gateway: GatewayProcess

  before(async function () {
    if (process.getuid?.() !== 0) throw new Error('expected to run as root')
    unix = await FaultServer.start({ host: '127.0.0.2', script: { rcpt: () => '450 4.2.1 later' } })
    gateway = await makeGateway({
      plugins: ['address-space/accepted-domains', 'address-space/connectors'],
      nodes: 2,
      config: {
        'accepted-domains.ini': 'relay = unix.example\npostmaster = p@unix.example\n',
        'connectors.ini': `[unix]\naddress_spaces = unix.example\nsmart_hosts = ${unix.smartHost}\nallow_relay = true\ndelivery = queue\nretry = 1h\n`,
        'address-space.ini': '[journal]\n',
      },
    })
    const ini = readFileSync(join(gateway.configDir, 'smtp.ini'), 'utf8')
    await gateway.writeConfig('smtp.ini', `${ini}user=${user}\n`)
    chmodSync(gateway.dir, 0o755)
    const uid = Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }))
    chownSync(join(gateway.dir, 'queue'), uid, 0)
    await gateway.start()
  })
  after(async () => {
    await gateway?.stop()
    await unix?.stop()
  })

  it('keeps its journal, and takes commands from root', async () => {
    const uid = Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }))
    for (const to of ['a@unix.example', 'b@unix.example', 'c@unix.example']) {
      assert.equal((await send(gateway, { from: 'x@client.example', to: [to] })).data?.code, 250)
    }
    await eventually(async () => {
      const { stdout, stderr } = await runCommand(['trace', 'x@client.example', '-c', gateway.dir])
      return (stdout.match(/deferred/gu)?.length ?? 0) === 3 ? undefined : stdout + stderr
    })
    const control = join(gateway.dir, 'queue.control')
    for (const path of [
      join(gateway.dir, 'journal'),
      ...readdirSync(join(gateway.dir, 'journal')).map((name) =>
        join(gateway.dir, 'journal', name),
      ),
      control,
      join(control, 'socket'),
    ]) {
      assert.equal(statSync(path).uid, uid, path)
    }
    assert.equal(statSync(control).mode & 0o777, 0o700)
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCommand(['queue', ...args, '-c', gateway.dir])
      assert.equal(code, 0, stderr)
      return stdout
    }
    await run('pause', 'unix', '--reason', 'a test')
    assert.match(await run(), /paused: a test/u)
    await run('resume', 'unix')
    unix.change({})
    await run('retry', 'unix')
    await eventually(() => (unix.messages.length === 3 ? undefined : 'not delivered'))
    assert.equal(statSync(join(control, 'paused.json')).uid, uid)
  })
})
