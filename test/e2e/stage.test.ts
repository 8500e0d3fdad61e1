/** `address-space stage` as the built command: the sample messages, and that it ends what it starts. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { buildIfStale, dist } from '../../scripts/build.js'
import { send, SmtpClient } from '../harness/haraka.js'
import { tempDir } from '../harness/temp.js'

interface Run {
  readonly child: ChildProcess
  /** what it printed so far */
  output(): string
  /** settles when it has printed the text */
  printed(text: RegExp): Promise<RegExpExecArray>
  ended: Promise<number | null>
}

function start(args: readonly string[], tmp: string): Run {
  const child = spawn(join(dist, 'cli', 'main.js'), ['stage', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: tmp },
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    child,
    ended,
    output: () => text,
    async printed(pattern) {
      for (;;) {
        const match = pattern.exec(text)
        if (match) return match
        const gone = await Promise.race([once(child.stdout, 'data'), ended.then(() => 'ended')])
        if (gone === 'ended') throw new Error(`ended without ${String(pattern)}:\n${text}`)
      }
    },
  }
}

/** What the README says that one sees. */
async function readmeOutput(): Promise<string> {
  const readme = await readFile(join(__dirname, '..', '..', 'README.md'), 'utf8')
  return /```\n(Haraka listens on [^]*?)```/u.exec(readme)?.[1] ?? ''
}

function withoutPorts(text: string): string {
  return text
    .slice(text.indexOf('Haraka listens'))
    .replace(/:\d+(?=[./]? |$)/gmu, ':port')
    .replace(/token to act: \w+/u, 'token to act: …')
}

describe('address-space stage', function () {
  this.timeout(90_000)
  before(buildIfStale)

  it('shows where each sample message goes, and ends with 0 when all went right', async () => {
    const tmp = tempDir('stage')
    const run = start(['--sample', '--once'], tmp)
    assert.equal(await run.ended, 0, run.output())
    assert.match(run.output(), /All \d+ recipients as expected/u)
    assert.equal(withoutPorts(await readmeOutput()), withoutPorts(run.output()))
    assert.deepEqual(readdirSync(tmp), [])
  })

  it('stages an install, shows further messages, and ends all with Ctrl-C', async () => {
    const tmp = tempDir('stage')
    const install = tempDir('install')
    mkdirSync(join(install, 'config'))
    cpSync(join(dist, 'sample-config'), join(install, 'config'), { recursive: true })
    writeFileSync(join(install, 'config', 'smtp.ini'), 'listen=192.0.2.1:25\n')

    const run = start(['--config', install], tmp)
    try {
      const [, port] = await run.printed(/listens on 127\.0\.0\.1:(\d+)[^]*Ctrl-C/u)
      const server = { host: '127.0.0.1', port: Number(port) }
      await send(server, { from: 'you@elsewhere.example', to: ['anna@example.local'] })
      await run.printed(/anna@example\.local: mailboxes of corp/u)
      await run.printed(/arrived at mailboxes of corp/u)
      const [, status = ''] = await run.printed(/Status page: (\S+)/u)
      assert.match(await (await fetch(status)).text(), /mailboxes of corp/u)
      run.child.kill('SIGINT')
      assert.equal(await run.ended, 0)
      await assert.rejects(SmtpClient.connect(server), /ECONNREFUSED/u)
      assert.deepEqual(readdirSync(tmp), [])
    } finally {
      run.child.kill('SIGTERM')
      await run.ended
    }
  })
})
