import assert from 'node:assert/strict'
import { chmodSync, chownSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Environment } from '../../plugins/config/environment.js'
import { loadLoopSecrets, watchLoopSecret } from '../../plugins/loop/secret.js'
import { tempDir } from '../harness/temp.js'

const name = 'address-space.secret'
const [one, two] = ['1'.repeat(40), '2'.repeat(40)]
const quiet = (): void => undefined

function install(content?: string, mode = 0o600): Environment & { path: string; said: string[] } {
  const configDir = tempDir('secret')
  const path = join(configDir, name)
  if (content !== undefined) {
    writeFileSync(path, content)
    chmodSync(path, mode)
  }
  const said: string[] = []
  const notice = (message: string): void => void said.push(message)
  const log = { debug: quiet, info: quiet, notice, warn: quiet, error: quiet, crit: quiet }
  return { configDir, path, said, log }
}
const load = (env: Environment, { make = true, user = '' } = {}): string[] =>
  loadLoopSecrets(env, name, { make, user })

describe('the loop secret', () => {
  it('is made once, for its owner alone, and is the same for every process', () => {
    const env = install()
    const [secret = ''] = load(env)
    assert.ok(secret.length >= 43)
    assert.equal(statSync(env.path).mode & 0o777, 0o600)
    assert.deepEqual(load(env), [secret])
    assert.equal(env.said.length, 1)
    assert.ok(!env.said.join().includes(secret))
  })

  it('is another one for each install', () => {
    assert.notDeepEqual(load(install()), load(install()))
  })

  it('is not made anew where it was there before', () => {
    const env = install()
    assert.throws(() => load(env, { make: false }), /loop_secret_file: .*expected a secret/u)
  })

  it('may be two, the new one first', () => {
    assert.deepEqual(load(install(`${two}\n\n${one}\r\n`)), [two, one])
  })

  const wrong: [what: string, content: string, mode: number, error: RegExp][] = [
    ['that the world can read', one, 0o644, /mode 600\), got mode 644/u],
    ['that its group can read', one, 0o640, /mode 600\), got mode 640/u],
    ['that is empty', '', 0o600, /expected a secret in this file, got nothing/u],
    ['that is short', `${one}\nshort\n`, 0o600, /at least 32 characters a line, got 5/u],
  ]
  for (const [what, content, mode, error] of wrong) {
    it(`refuses a file ${what}`, () => {
      const env = install(content, mode)
      assert.throws(() => load(env), error)
      assert.equal(readFileSync(env.path, 'utf8'), content)
    })
  }

  it('belongs to the user that Haraka changes to', function () {
    if (process.getuid?.() !== 0) return
    const made = install()
    load(made, { user: 'nobody' })
    assert.notEqual(statSync(made.path).uid, 0)
    assert.deepEqual(load(made, { user: 'nobody' }), load(made))
    const copied = install(one)
    chownSync(copied.path, 0, 0)
    assert.throws(() => load(copied, { user: 'nobody' }), /expected a file of nobody .* uid 0/u)
  })

  it('is seen to change, also when another file takes its place', async function () {
    this.timeout(20_000)
    const env = install(one)
    const changed = new Promise<void>((resolve) => {
      const stop = watchLoopSecret(env, name, () => {
        stop()
        resolve()
      })
    })
    // the first look may come after a change: so one change after the other
    const writing = setInterval(() => {
      writeFileSync(`${env.path}.new`, `${two}\n${one}\n`, { mode: 0o600 })
      renameSync(`${env.path}.new`, env.path)
    }, 500)
    await changed
    clearInterval(writing)
    assert.deepEqual(load(env), [two, one])
  })
})
