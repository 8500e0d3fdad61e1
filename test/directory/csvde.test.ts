import assert from 'node:assert/strict'

import { readCsvde } from '../../plugins/directory/csvde.js'
import type { Row } from '../../plugins/directory/file-record.js'

async function read(...chunks: readonly string[]): Promise<Row[]> {
  const rows: Row[] = []
  for await (const some of readCsvde(chunks)) rows.push(...some)
  return rows
}

/** Rows as `line dn attribute=value,value` or `line !`. */
async function shown(...chunks: readonly string[]): Promise<string[]> {
  return (await read(...chunks)).map((row) =>
    row.kind === 'unreadable'
      ? `${row.line} !`
      : [row.line, row.dn, ...[...row.attributes].map(([k, v]) => `${k}=${v.join(',')}`)].join(' '),
  )
}

describe('CSVDE', () => {
  it("reads the article's example", async () => {
    const [row, ...more] = await read(
      'objectClass,dn,name,cn,sn,givenName,displayName,proxyAddresses,targetAddress,mail,mailnickname\r\n' +
        'contact,"cn=Internet User,ou=internet users,dc=xo,dc=one",Internet User,Internet User,User,Internet,Internet User,SMTP:internetUser@remote.domain; smtp:internetuser@xo.one,SMTP:internetUser@remote.domain,internetUser@remote.domain,internetuser\r\n',
    )
    assert(row?.kind === 'record')
    assert.equal(row.line, 2)
    assert.equal(row.dn, 'cn=Internet User,ou=internet users,dc=xo,dc=one')
    assert.deepEqual(row.attributes.get('proxyaddresses'), [
      'SMTP:internetUser@remote.domain',
      'smtp:internetuser@xo.one',
    ])
    assert.deepEqual(row.attributes.get('targetaddress'), ['SMTP:internetUser@remote.domain'])
    assert.deepEqual(row.attributes.get('mailnickname'), ['internetuser'])
    assert.deepEqual(more, [])
  })

  const tables: readonly (readonly [string, string, readonly string[]])[] = [
    ['any order and case of the header', 'MAIL,Cn,DN\na@b,x,cn=x', ['2 cn=x mail=a@b cn=x']],
    ['no dn', 'mail\na@b', ['2  mail=a@b']],
    ['a dn in hex', "dn,mail\nX'636e3dc3bc',a@b", ['2 cn=ü mail=a@b']],
    ['a dn with ;', 'dn,mail\n"cn=a\\;b;c,dc=d",a@b', ['2 cn=a\\;b;c,dc=d mail=a@b']],
    ['empty fields', 'dn,mail,sn\ncn=x,,', ['2 cn=x']],
    ['empty lines', '\r\nmail\r\n\r\na@b\r\n \r\nc@d', ['4  mail=a@b', '6  mail=c@d']],
    ['blanks around values', 'mail\n a@b ;  c@d ;;', ['2  mail=a@b,c@d']],
    ['an escaped ;', 'mail\n"x\\;y ; z\\,"', ['2  mail=x;y,z\\,']],
    ['hex values', "mail\nX'6140c3bc' ; x'62'", ['2  mail=a@ü,b']],
    ['a column that stands twice', 'mail,Mail\na,b', ['2  mail=a,b']],
    [
      'a quoted value with line ends',
      'mail,info\na,"x\r\ny""z"\nb,c',
      ['2  mail=a info=x\ny"z', '4  mail=b info=c'],
    ],
    ['a blank after a comma', 'mail, sn\na,b', ['2  mail=a sn=b']],
    ['too few and too many fields', 'mail,sn\na\nb,c\nd,e,f', ['2 !', '3  mail=b sn=c', '4 !']],
    [
      'a quote that is not closed',
      'mail,sn\na,"b\nc,d\ne,"f"',
      ['2 !', '3  mail=c sn=d', '4  mail=e sn=f'],
    ],
    [
      'two of them',
      'mail,sn\na,"b\nc,d\ne,"f\ng,h',
      ['2 !', '3  mail=c sn=d', '4 !', '5  mail=g sn=h'],
    ],
    ['a stray quote', 'mail,sn\na,b"c\nd,e', ['2 !', '3  mail=d sn=e']],
    ['stray quotes', 'mail,sn\na,b"c"\nd,"e"f\ng,h', ['2 !', '3 !', '4  mail=g sn=h']],
    ['bad hex', "mail,sn\nX'6',a\nX'zz',b\nX'61,c\nd,e", ['2 !', '3 !', '4 !', '5  mail=d sn=e']],
  ]
  for (const [what, text, expected] of tables) {
    it(`reads ${what}`, async () => {
      assert.deepEqual(await shown(text), expected)
      // chunks may end anywhere
      assert.deepEqual(await shown(...text.split('')), expected)
    })
  }

  it('says what is wrong with a row', async () => {
    const rows = await read('mail,sn\na\nb,"c\nd,"e"f\n')
    assert.deepEqual(
      rows.map((row) => (row.kind === 'unreadable' ? row.reason : '')),
      [
        'expected 2 fields as in the header, got 1',
        'expected a quote at the end of the value, got none',
        'Invalid Closing Quote: got "f" instead of delimiter, record delimiter, trimable character (if activated) or comment',
      ],
    )
  })

  it('gives up a quote that is never closed, and loses its line only', async () => {
    const rows = await shown(`mail,sn\na,"b\n${'c,d\n'.repeat(500)}`)
    assert.equal(rows.length, 501)
    assert.deepEqual(rows.slice(0, 2), ['2 !', '3  mail=c sn=d'])
    assert.equal(rows.at(-1), '502  mail=c sn=d')
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['empty lines', '\r\n\r\n'],
    ['no column for addresses', 'dn,cn\ncn=x,x'],
    ['another separator', 'dn;mail;cn\n'],
    ['a broken header', 'dn,mail"\n'],
  ] as const) {
    it(`refuses a file with ${what}`, async () => {
      await assert.rejects(read(text), /header/u)
    })
  }
})
