/**
 * Every attack of scripts/attacks/table.ts, and a directory whose contacts are hostile: the replies are right,
 * nothing that names the victim arrives anywhere, no connection goes where the configuration names nobody, and
 * honest mail gets through all the while.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'

import { attacks, mark } from '../../../scripts/attacks/table.js'
import { Site } from '../../../scripts/attacks/site.js'
import { parseDecision } from '../../../plugins/stage/decision-log.js'
import { send, SmtpClient } from '../../harness/haraka.js'

const from = 'sender@client.example'

describe('attacks', function () {
  this.timeout(60_000)
  let site: Site
  /** where the address literals of the attacks would lead */
  let trap: Server
  let trapped = 0

  before(async () => {
    trap = createServer((socket) => {
      trapped += 1
      socket.destroy()
    })
    trap.on('error', () => undefined)
    trap.listen(25, '127.0.0.66')
    await Promise.race([once(trap, 'listening'), once(trap, 'error')])
    site = await Site.start()
  })
  after(async () => {
    await site.stop()
    trap.close()
  })

  for (const { kind, name, run, right, answer } of attacks) {
    it(`${kind}: ${name}: ${answer}`, async () => {
      const replies = await run(site.target)
      assert.ok(replies.length > 0)
      assert.ok(right(replies), replies.join('\n'))
      assert.deepEqual(site.victims, [])
    })
  }

  const script = join(__dirname, '../../../scripts/attacks/main.ts')
  const attack = (server: string): Promise<{ code: number; text: string }> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        ['--import', 'tsx', script, '--server', server, '--mailbox', site.target.mailbox],
        (error, stdout, stderr) => {
          resolve({ code: Number(error?.code ?? 0), text: `${stdout}${stderr}` })
        },
      )
    })

  it('are tried against any install on loopback, and each is told', async () => {
    const { code, text } = await attack(`${site.target.host}:${site.target.port}`)
    assert.equal(code, 0, text)
    for (const { name } of attacks) assert.ok(text.includes(name), name)
    assert.doesNotMatch(text, /^!/mu)
    assert.deepEqual(site.victims, [])
  })

  it('one that is not there, or not on loopback, is told as such', async () => {
    const gone = await attack('127.0.0.1:1')
    assert.equal(gone.code, 1)
    assert.match(gone.text, /^[^\n]*ECONNREFUSED[^\n]*\n$/u)
    const far = await attack('192.0.2.1:25')
    assert.equal(far.code, 1)
    assert.match(far.text, /^expected a server on loopback[^\n]*\n$/u)
  })

  const contacts: [name: string, what: string, reply: RegExp][] = [
    ['self', 'is its own target: the next system has it', /^250 /u],
    ['circle', 'lead in a circle', /^550 5\.4\.6 /u],
    ['literal', 'an address literal', /^450 4\.4\.4 /u],
    ['gateway', 'the gateway itself', /^450 4\.4\.4 /u],
    ['foreign', 'a domain that no connector takes', /^450 4\.4\.4 /u],
    ['percent', 'another host in the local part', /^450 4\.4\.4 /u],
    ['long', 'of 64 KB', /^[45]50 /u],
    ['lines', 'with commands in it', /^[45]50 /u],
    ['brackets', 'with another RCPT in it', /^[45]50 /u],
  ]
  for (const [name, what, reply] of contacts) {
    it(`directory: a contact whose target is ${what}`, async () => {
      const outcome = await send(site.target, { from, to: [`${name}@example.com`] })
      assert.match(outcome.rcpt[0]?.text ?? '', reply)
      assert.doesNotMatch(outcome.rcpt[0]?.text ?? '', new RegExp(mark, 'u'))
      assert.deepEqual(site.victims, [])
    })
  }

  it('by clients that say nothing cost nobody else anything', async () => {
    const silent = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const client = await SmtpClient.connect(site.target)
        // some stop in the middle of a command, some in the middle of a message
        if (index % 3 === 1) client.write('MAIL FR')
        if (index % 3 === 2) {
          await client.ehlo()
          await client.mail(from)
          await client.rcpt(site.target.mailbox)
          await client.command('DATA')
          client.write('Subject: x\r\n')
        }
        return client
      }),
    )
    try {
      const started = performance.now()
      const outcome = await send(site.target, { from, to: [site.target.mailbox] })
      assert.equal(outcome.data?.code, 250)
      assert.ok(performance.now() - started < 10_000)
    } finally {
      for (const client of silent) client.close()
    }
  })

  it('leave early dots as they are, and hand on one message for one', async () => {
    const at = site.boxes.messages.length
    const body = '.\r\n..\r\n. one\r\n.. two\r\n'
    const data = `From: <${from}>\r\nSubject: dots\r\n\r\n${body}`
    const outcome = await send(site.target, { from, to: [site.target.mailbox], data })
    assert.equal(outcome.data?.code, 250)
    const message = (await site.boxes.waitFor(at + 1))[at]
    assert.ok(message?.raw.toString('latin1').endsWith(`\r\n\r\n${body}`))
  })

  it('forge no decision in the log', () => {
    const decisions = site.gateway.logLines.flatMap((line) => parseDecision(line) ?? [])
    assert.ok(decisions.length > 20)
    for (const { place, recipient } of decisions) {
      assert.ok(
        place === undefined || /^(?:connector:unix|mailbox-host:corp)$/u.test(place),
        recipient,
      )
    }
  })

  it('lead to no host that the configuration does not name', () => {
    assert.equal(trapped, 0)
  })
})
