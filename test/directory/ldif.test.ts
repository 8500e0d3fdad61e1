import assert from 'node:assert/strict'

import { readLdif } from '../../plugins/directory/ldif.js'

async function shown(...chunks: readonly string[]): Promise<string[]> {
  const rows: string[] = []
  for await (const some of readLdif(chunks)) {
    for (const row of some) {
      rows.push(
        row.kind === 'unreadable'
          ? `${row.line} ! ${row.reason}`
          : [row.line, row.dn, ...[...row.attributes].map(([k, v]) => `${k}=${v.join(',')}`)].join(
              ' ',
            ),
      )
    }
  }
  return rows
}

describe('LDIF', () => {
  const tables: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'records',
      'version: 1\n\ndn: cn=a\nmail: a@b\nMail: c@d\n\ndn: cn=e\n',
      ['3 cn=a mail=a@b,c@d', '7 cn=e'],
    ],
    ['a record behind the version', 'version: 1\ndn: cn=a\nmail:a@b', ['2 cn=a mail=a@b']],
    ['CRLF and several empty lines', 'dn: cn=a\r\n\r\n\r\ndn: cn=b\r\n', ['1 cn=a', '4 cn=b']],
    ['folded lines', 'dn: cn=a\n b\n  c\nmail: a\n @b\n', ['1 cn=ab c mail=a@b']],
    [
      'comments, folded too',
      '# x\n y\ndn: cn=a\n# mail: no\n no\nmail: a@b\n',
      ['3 cn=a mail=a@b'],
    ],
    ['base64', 'dn:: Y249w6Q=\nmail:: YUBi\nsn::\n', ['1 cn=ä mail=a@b sn=']],
    ['options of attributes', 'dn: cn=a\nmail;lang-de: x\n', ['1 cn=a mail;lang-de=x']],
    ['changetype: add', 'dn: cn=a\nchangetype: add\nmail: a@b\n', ['1 cn=a mail=a@b']],
    ['controls', 'dn: cn=a\ncontrol: 1.2.3 true\nchangetype: ADD\nmail: x\n', ['1 cn=a mail=x']],
    [
      'a change as unreadable',
      'dn: cn=a\nchangetype: modify\nadd: mail\nmail: x\n-\n\ndn: cn=b\n',
      ['2 ! expected `changetype: add`, got `changetype: modify`', '7 cn=b'],
    ],
    [
      'a URL as unreadable',
      'dn: cn=a\nmail:< file:///etc/passwd\n\ndn: cn=b\n',
      ['2 ! mail: expected the value itself, got a URL', '4 cn=b'],
    ],
    [
      'bad base64 as unreadable',
      'dn: cn=a\nmail:: a*\n\ndn: cn=b\n',
      ['2 ! mail: expected base64, got `a*`', '4 cn=b'],
    ],
    [
      'no line of LDIF as unreadable',
      'dn: cn=a\nnonsense\n\ndn: cn=b\n',
      ['2 ! expected `name: value`, got `nonsense`', '4 cn=b'],
    ],
    [
      'a record without dn as unreadable',
      'mail: x\n\ndn: cn=b\n',
      ['1 ! expected `dn: …` first, got `mail: x`', '3 cn=b'],
    ],
    [
      'two records without an empty line between as unreadable',
      'dn: cn=a\nmail: x\ndn: cn=b\nmail: y\n\ndn: cn=c\n',
      ['3 ! expected an empty line before the next `dn: …`, got `dn: cn=b`', '6 cn=c'],
    ],
    [
      'a lost line end before an attribute as unreadable',
      'dn: cn=a\ndisplayName: x\ufffdmail: y\n\ndn: cn=c\n',
      ['2 ! expected octets that can be read, got `displayName: x\ufffdmail: y`', '4 cn=c'],
    ],
    ['no record', 'version: 1\n', []],
  ]
  for (const [what, text, expected] of tables) {
    it(`reads ${what}`, async () => {
      assert.deepEqual(await shown(text), expected)
      assert.deepEqual(await shown(...text.split('')), expected)
    })
  }

  for (const text of ['', '\n\n', '# only a comment\n']) {
    it(`refuses ${JSON.stringify(text)}`, async () => {
      await assert.rejects(shown(text), /expected `version: 1` or `dn: …`, got nothing/u)
    })
  }
})
