import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { readSecretFile } from '../../plugins/config/secret-file.js'

describe('secret file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'secret-'))
  after(() => rmSync(folder, { recursive: true }))

  const write = (mode: number, text = 's3cret\n'): void => {
    writeFileSync(join(folder, 'secret'), text)
    chmodSync(join(folder, 'secret'), mode)
  }

  it('is read without the newline at its end', () => {
    write(0o600, ' a b \r\n')
    assert.equal(readSecretFile(folder, 'secret'), ' a b ')
    assert.equal(readSecretFile('/', join(folder, 'secret')), ' a b ')
  })

  for (const mode of [0o644, 0o640, 0o604, 0o660, 0o601]) {
    it(`is refused with mode ${mode.toString(8)}`, () => {
      write(mode)
      assert.throws(
        () => readSecretFile(folder, 'secret'),
        ({ message }: Error) =>
          /expected a file for its owner alone/u.test(message) && !message.includes('s3cret'),
      )
    })
  }

  it('is refused when it is empty or not there', () => {
    write(0o600, '\n')
    assert.throws(
      () => readSecretFile(folder, 'secret'),
      /secret: expected a secret .* got nothing/u,
    )
    assert.throws(() => readSecretFile(folder, 'other'), /other: expected a secret .* ENOENT/u)
  })
})
