/** `address-space init`, as the built command. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { buildIfStale, dist } from '../../scripts/build.js'
import { tempDir } from '../harness/temp.js'

const run = promisify(execFile)
const program = join(dist, 'cli', 'main.js')

function makeInstallIn(dir: string): string {
  const config = join(dir, 'config')
  mkdirSync(config)
  writeFileSync(join(config, 'smtp.ini'), '')
  writeFileSync(join(config, 'plugins'), 'rcpt_to.in_host_list\naddress-space/contacts\n')
  return config
}

describe('address-space init', function () {
  this.timeout(30_000)
  before(buildIfStale)

  it('adds the configuration, keeps what is there, and names the missing lines', async () => {
    const dir = tempDir('init')
    const config = makeInstallIn(dir)
    writeFileSync(join(config, 'directory.ini'), 'mine')
    const { stdout } = await run(program, ['init', '--config', dir])
    assert.equal(readFileSync(join(config, 'directory.ini'), 'utf8'), 'mine')
    assert.deepEqual(
      readdirSync(join(dist, 'sample-config')).filter(
        (name) => !readdirSync(config).includes(name),
      ),
      [],
    )
    assert.match(stdout, /kept +config\/directory\.ini/u)
    assert.match(stdout, /created +config\/contacts\.csv/u)
    assert.match(stdout, /^ {2}address-space\/accepted-domains$/mu)
    assert.doesNotMatch(stdout, /^ {2}address-space\/contacts$/mu)
  })

  it('wants an install', async () => {
    await assert.rejects(run(program, ['init', '--config', tempDir('no-install')]), (error) => {
      const { code, stderr } = error as { code?: number; stderr?: string }
      assert.equal(code, 1)
      assert.match(stderr ?? '', /expected a Haraka install/u)
      return true
    })
  })

  it('ends with 2 for a command line that it does not understand', async () => {
    await assert.rejects(run(program, ['inti']), { code: 2 })
    const { stdout } = await run(program, ['--help'])
    assert.match(stdout, /init [^]*stage /u)
  })
})
