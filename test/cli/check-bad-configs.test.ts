/**
 * Configurations that are wrong in one way each: the files of a folder, over those of `good`. What
 * `check --offline` calls wrong stands in its file `expected`, word for word.
 */
import assert from 'node:assert/strict'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { checkInstall } from '../../plugins/cli/check/check.js'
import { formatFindings } from '../../plugins/cli/check/report.js'
import { readInstall } from '../../plugins/cli/opened-install.js'
import { tempDir } from '../harness/temp.js'
import { runCommand } from './command.js'

const folders = join(__dirname, 'bad-configs')
const cases = readdirSync(folders).filter((name) => /^\d/u.test(name))

function installOf(name: string): string {
  const dir = tempDir('bad-config')
  const config = join(dir, 'config')
  mkdirSync(config)
  for (const from of ['good', name]) cpSync(join(folders, from), config, { recursive: true })
  for (const file of readdirSync(config)) {
    if (/\.(password|secret)$/u.test(file)) {
      chmodSync(join(config, file), name.includes('world-readable') ? 0o644 : 0o600)
    }
  }
  return dir
}

async function wrongIn(dir: string): Promise<string> {
  const findings = await checkInstall(readInstall(dir), { offline: true })
  const wrong = findings.filter(({ kind }) => kind === 'wrong')
  const text = formatFindings(wrong, { width: 0, colours: false, table: false })
  return text
    .replaceAll(dir, '')
    .replace(/\n[^\n]*$/u, '')
    .trim()
}

describe('check: wrong configurations', () => {
  it('finds nothing wrong with the good one', async () => {
    const findings = await checkInstall(readInstall(installOf('good')), { offline: true })
    assert.deepEqual(
      findings.filter(({ kind }) => kind !== 'good'),
      [],
    )
  })

  it('has at least forty', () => {
    assert(cases.length >= 40)
  })

  for (const name of cases) {
    it(name.replaceAll('-', ' '), async () => {
      const file = join(folders, name, 'expected')
      const text = await wrongIn(installOf(name))
      // to accept what is printed now: UPDATE_EXPECTED=1, and read every change
      if (process.env['UPDATE_EXPECTED'] === '1') writeFileSync(file, `${text}\n`)
      assert(existsSync(file), text)
      assert.notEqual(text, '')
      assert.equal(text, readFileSync(file, 'utf8').trim())
    })
  }

  it('ends with 1, and with 0 if nothing is wrong', async function () {
    this.timeout(30_000)
    const bad = await runCommand(['check', '--offline', '-c', installOf(cases[0] ?? '')])
    assert.deepEqual([bad.code, /^1 wrong\.$/mu.test(bad.stdout)], [1, true], bad.stdout)
    const good = await runCommand(['check', '--offline', '--json', '-c', installOf('good')])
    assert.equal(good.code, 0)
    assert.deepEqual(
      (JSON.parse(good.stdout) as { kind: string }[]).map(({ kind }) => kind),
      ['good'],
    )
  })
})
