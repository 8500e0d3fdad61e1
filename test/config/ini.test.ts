import assert from 'node:assert/strict'

import { readIni } from '../../plugins/config/ini.js'
import { Settings } from '../../plugins/config/settings.js'

const read = (text: string): ReturnType<typeof readIni> => readIni('x.ini', text.split('\n'))

describe('ini', () => {
  it('reads sections, lists, comments and continued lines as Haraka does', () => {
    const { sections, errors } = read(
      '; comment\n# comment\n\na = 1\n[one]\nb[] = x\nb[] = y\nc =\n [ two ] \nd = p, \\\n  q=r\n',
    )
    assert.deepEqual(errors, [])
    const values = (section: string, key: string): string[] | undefined =>
      sections
        .get(section)
        ?.get(key)
        ?.map(({ text }) => text)
    assert.deepEqual(values('', 'a'), ['1'])
    assert.deepEqual(values('one', 'b'), ['x', 'y'])
    assert.deepEqual(values('one', 'c'), [''])
    assert.deepEqual(values('two', 'd'), ['p,   q=r'])
  })

  const wrong: [text: string, error: string][] = [
    ['nonsense', 'x.ini line 1: expected `key = value`, got `nonsense`'],
    ['[a]\n*.x = 1', 'x.ini [a] line 2: expected `key = value`, got `*.x = 1`'],
    [
      '[a]\nb = 1 ; one',
      'x.ini [a] b: a comment must stand on a line of its own (Haraka makes `;` part of the value), got `1 ; one`',
    ],
    ['[a]\n[a]', 'x.ini line 2: section [a] stands twice'],
    ['a = 1\na = 2', 'x.ini a: stands twice; write `a[] = …` lines for a list'],
    ['a = 1 \\', 'x.ini: expected another line after the last `\\`, got the end'],
  ]
  for (const [text, error] of wrong) {
    it(`reports ${JSON.stringify(text)}`, () => assert.deepEqual(read(text).errors, [error]))
  }
})

describe('settings', () => {
  const settings = (text: string): { errors: string[]; section: Settings } => {
    const { sections, errors } = read(`[s]\n${text}`)
    return { errors, section: new Settings('x.ini', 's', sections.get('s'), errors) }
  }

  const values: [text: string, ask: (s: Settings) => unknown, value: unknown][] = [
    ['', (s) => s.text('k'), ''],
    ['k = a b', (s) => s.text('k'), 'a b'],
    ['k = a, b ,,c', (s) => s.list('k'), ['a', 'b', 'c']],
    ['k[] = a, b\nk[] = c', (s) => s.list('k'), ['a', 'b', 'c']],
    ['', (s) => s.wholeNumber('k', 7, 0), 7],
    ['k = 0', (s) => s.wholeNumber('k', 7, 0), 0],
    ['k = 1.5', (s) => s.seconds('k', 3), 1500],
    ['k = 0', (s) => s.seconds('k', 3, { zero: true }), 0],
    ['k = Yes', (s) => s.flag('k', false), true],
    ['k = off', (s) => s.flag('k', true), false],
    ['', (s) => s.flag('k', true), true],
    ['k = b', (s) => s.choice('k', ['a', 'b'], 'a'), 'b'],
  ]
  for (const [text, ask, value] of values) {
    it(`reads ${JSON.stringify(text)} as ${JSON.stringify(value)}`, () => {
      const { errors, section } = settings(text)
      assert.deepEqual(ask(section), value)
      section.finish()
      assert.deepEqual(errors, [])
    })
  }

  const wrong: [text: string, ask: (s: Settings) => unknown, error: string][] = [
    ['k[] = a\nk[] = b', (s) => s.text('k'), 'x.ini [s] k: expected one value, got `a, b`'],
    [
      'k = abc',
      (s) => s.wholeNumber('k', 1, 0),
      'x.ini [s] k: expected a whole number from 0 up, got `abc`',
    ],
    [
      'k = 0',
      (s) => s.wholeNumber('k', 1, 1),
      'x.ini [s] k: expected a whole number from 1 up, got `0`',
    ],
    ['k = -1', (s) => s.seconds('k', 1), 'x.ini [s] k: expected seconds above 0, got `-1`'],
    ['k = 0', (s) => s.seconds('k', 1), 'x.ini [s] k: expected seconds above 0, got `0`'],
    ['k = 1e9999', (s) => s.seconds('k', 1), 'x.ini [s] k: expected seconds above 0, got `1e9999`'],
    ['k = maybe', (s) => s.flag('k', true), 'x.ini [s] k: expected `true` or `false`, got `maybe`'],
    ['k = c', (s) => s.choice('k', ['a', 'b'], 'a'), 'x.ini [s] k: expected one of a, b, got `c`'],
    ['j = 1', (s) => s.text('k'), 'x.ini [s] j: unknown key; expected one of k'],
  ]
  for (const [text, ask, error] of wrong) {
    it(`reports ${JSON.stringify(text)}: ${error}`, () => {
      const { errors, section } = settings(text)
      ask(section)
      section.finish()
      assert.deepEqual(errors, [error])
    })
  }
})
