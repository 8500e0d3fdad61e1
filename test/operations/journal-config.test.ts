/** The section [journal] of address-space.ini, and the units that it is written in. */
import assert from 'node:assert/strict'

import { ConfigError } from '../../plugins/config/settings.js'
import { formatDuration, parseDuration, parseSize } from '../../plugins/config/units.js'
import { parseOperationsConfig } from '../../plugins/operations/operations-config.js'

describe('[journal]', () => {
  it('without the section there is no journal; with it there are defaults', () => {
    assert.equal(parseOperationsConfig([]).journal, undefined)
    assert.deepEqual(parseOperationsConfig(['[journal]']).journal, {
      keep: 30 * 86_400_000,
      maxSize: 1024 ** 3,
    })
    assert.deepEqual(parseOperationsConfig(['[journal]', 'keep = 36h', 'max_size=500M']).journal, {
      keep: 36 * 3_600_000,
      maxSize: 500 * 1024 ** 2,
    })
  })

  it('tells what is wrong, all at once', () => {
    assert.throws(
      () => parseOperationsConfig(['[journal]', 'keep = 1h', 'max_size = lots', 'kep = 3d']),
      (error: unknown) => {
        assert(error instanceof ConfigError)
        assert.deepEqual(error.errors, [
          'address-space.ini [journal] keep: expected a time such as 90s, 15m, 2h or 30d, at least 1d, got `1h`',
          'address-space.ini [journal] max_size: expected a size such as 500K, 256M or 1G, at least 1M, got `lots`',
          'address-space.ini [journal] kep: unknown key; expected one of keep, max_size',
        ])
        return true
      },
    )
  })

  for (const [text, ms] of [
    ['90s', 90_000],
    ['1.5h', 5_400_000],
    ['2 d', 172_800_000],
    ['30', undefined],
    ['0s', undefined],
    ['-1h', undefined],
    ['1w', undefined],
    ['', undefined],
  ] as const) {
    it(`the time ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), ms))
  }

  for (const [text, octets] of [
    ['1G', 1024 ** 3],
    ['500k', 512_000],
    ['2MB', 2 * 1024 ** 2],
    ['77', 77],
    ['1T', undefined],
    ['0', undefined],
  ] as const) {
    it(`the size ${text}`, () => assert.equal(parseSize(text), octets))
  }

  for (const [ms, text] of [
    [400, '0 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [5_400_000, '1 h 30 min'],
    [47 * 3_600_000, '47 h'],
    [49 * 3_600_000, '2 d 1 h'],
  ] as const) {
    it(`${ms} ms as ${text}`, () => assert.equal(formatDuration(ms), text))
  }
})
