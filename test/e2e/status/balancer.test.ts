/** haproxy in front of two gateways: one is drained, the other killed; no message is lost or refused. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../../plugins/stage/free-port.js'
import { drain, undrain } from '../../../plugins/operations/draining.js'
import { ServerProcess } from '../../../scripts/servers/process.js'
import { Catcher, sampleMessage, send } from '../../harness/haraka.js'
import { tempDir } from '../../harness/temp.js'
import { describeWithServers } from '../../servers.js'
import { makeSite, startSite, token, until, type Site } from './site.js'

describeWithServers(['haproxy'], 'a balancer before two gateways', function () {
  this.timeout(120_000)
  let unix: Catcher
  let sites: Site[]
  let haproxy: ServerProcess
  let port: number

  before(async () => {
    unix = await Catcher.start({ host: '127.0.0.2' })
    sites = [await makeSite(unix), await makeSite(unix)]
    for (const site of sites) await startSite(site)
    port = await freePort('127.0.0.1')
    const servers = sites.map(
      ({ gateway, port: status }, index) =>
        `  server gateway${index + 1} 127.0.0.1:${gateway.port} check port ${status}`,
    )
    const config = join(tempDir('haproxy'), 'haproxy.cfg')
    writeFileSync(
      config,
      `defaults
  mode tcp
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  retries 2
  option redispatch
  default-server inter 100ms fall 1 rise 1
listen mail
  bind 127.0.0.1:${port}
  balance roundrobin
  option httpchk GET /healthz/ready
  http-check send hdr Authorization "Bearer ${token}"
${servers.join('\n')}
`,
    )
    haproxy = new ServerProcess('/usr/sbin/haproxy', ['-f', config, '-db'])
    await haproxy.listening(port)
  })
  after(async () => {
    await haproxy?.stop()
    for (const { gateway } of sites ?? []) await gateway.stop()
    await unix?.stop()
  })

  const sent: string[] = []

  async function mail(times: number): Promise<void> {
    for (let count = 0; count < times; count++) {
      const id = `message-${sent.length}@client.example`
      const from = 'a@client.example'
      const to = ['olga@example.com']
      const data = `Message-ID: <${id}>\r\n${sampleMessage({ from, to })}`
      const { data: reply } = await send({ host: '127.0.0.1', port }, { from, to, data })
      assert.equal(reply?.code, 250)
      sent.push(id)
    }
  }

  /** How many messages each gateway has taken so far. */
  function taken(): number[] {
    return sites.map(
      ({ gateway }) => gateway.logLines.filter((line) => line.includes('decision=shared')).length,
    )
  }

  it('loses and refuses nothing while one is drained and the other is killed', async () => {
    const [first, second] = sites
    assert.ok(first && second)
    await mail(10)
    assert.ok(
      taken().every((count) => count > 0),
      `both take mail: ${taken().join(' and ')}`,
    )

    drain(`${first.gateway.dir}/queue.control`, '')
    await until(
      () => Promise.resolve(haproxy.output),
      (output) => /Server mail\/gateway1 is DOWN/u.test(output),
    )
    const [before = 0] = taken()
    await mail(10)
    assert.equal(taken()[0], before, 'a drained gateway gets no mail')

    undrain(`${first.gateway.dir}/queue.control`)
    await until(
      () => Promise.resolve(haproxy.output),
      (output) => /Server mail\/gateway1 is UP/u.test(output),
    )
    await second.gateway.kill()
    await mail(10)

    await unix.waitFor(sent.length, 30_000)
    const arrived = unix.messages.map(
      ({ raw }) => /Message-ID: <([^>]*)>/u.exec(raw.toString())?.[1],
    )
    assert.deepEqual(new Set(arrived), new Set(sent))
    assert.equal(arrived.length, sent.length)
  })
})
