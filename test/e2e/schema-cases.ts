/** Every schema of an LDAP directory: its objects, and where the mail for each of them goes. */
import { postfixBook, qmail, zimbra } from '../../scripts/servers/mail-schemas.js'
import type { Where } from './directory-site.js'

const object = (name: string, lines: readonly string[], base: string): string =>
  [`dn: cn=${name},${base}`, 'objectClass: user', ...lines, '', ''].join('\n')

export interface SchemaCase {
  readonly name: string
  readonly schema: string
  readonly objects: (base: string) => string
  readonly lines: readonly string[]
  readonly where: Where
  readonly asked?: Readonly<Record<string, string>>
}

export const unknown = ['nobody@example.com']

export const schemaCases: readonly SchemaCase[] = [
  {
    name: 'sendmail',
    schema: '',
    lines: ['schema = sendmail'],
    objects: (base) =>
      [
        object(
          'anna',
          ['objectClass: inetLocalMailRecipient', 'mailLocalAddress: anna@example.com'],
          base,
        ),
        object(
          'berta',
          [
            'objectClass: inetLocalMailRecipient',
            'mailLocalAddress: berta@example.com',
            'mailHost: mail2.example.com',
          ],
          base,
        ),
        object(
          'lotte',
          [
            'objectClass: inetLocalMailRecipient',
            'mailLocalAddress: lotte@example.com',
            'mailRoutingAddress: lotte@remote.domain',
          ],
          base,
        ),
      ].join(''),
    where: {
      own: ['anna@example.com'],
      second: ['berta@example.com'],
      remote: ['lotte@remote.domain'],
      unknown,
    },
    asked: { 'lotte@remote.domain': 'lotte@example.com' },
  },
  {
    name: 'postfix-book',
    schema: postfixBook,
    lines: ['schema = postfix-book'],
    objects: (base) =>
      [
        object(
          'anna',
          [
            'objectClass: PostfixBookMailAccount',
            'mail: a@example.com',
            'mailAlias: anna@example.com',
          ],
          base,
        ),
        object(
          'off',
          ['objectClass: PostfixBookMailAccount', 'mail: off@example.com', 'mailEnabled: FALSE'],
          base,
        ),
        object(
          'lotte',
          [
            'objectClass: PostfixBookMailForward',
            'mailAlias: lotte@example.com',
            'mailForwardingAddress: lotte@remote.domain',
          ],
          base,
        ),
      ].join(''),
    where: {
      own: ['a@example.com', 'anna@example.com'],
      remote: ['lotte@remote.domain'],
      unknown: [...unknown, 'off@example.com'],
    },
    asked: { 'lotte@remote.domain': 'lotte@example.com' },
  },
  {
    name: 'qmail',
    schema: qmail,
    lines: ['schema = qmail'],
    objects: (base) =>
      [
        object(
          'anna',
          [
            'objectClass: qmailUser',
            'mail: anna@example.com',
            'mailForwardingAddress: copy@remote.domain',
          ],
          base,
        ),
        object(
          'berta',
          [
            'objectClass: qmailUser',
            'mail: b@example.com',
            'mailAlternateAddress: berta@example.com',
            'mailHost: MAIL2.example.com',
          ],
          base,
        ),
        object(
          'lotte',
          [
            'objectClass: qmailUser',
            'mail: lotte@example.com',
            'deliveryMode: forwardonly',
            'mailForwardingAddress: lotte@remote.domain',
          ],
          base,
        ),
      ].join(''),
    where: {
      own: ['anna@example.com'],
      second: ['berta@example.com'],
      remote: ['lotte@remote.domain'],
      unknown,
    },
    asked: { 'lotte@remote.domain': 'lotte@example.com' },
  },
  {
    name: 'zimbra',
    schema: zimbra,
    lines: ['schema = zimbra'],
    objects: (base) =>
      [
        object(
          'anna',
          ['objectClass: zimbraAccount', 'zimbraMailDeliveryAddress: anna@example.com'],
          base,
        ),
        object(
          'berta',
          [
            'objectClass: zimbraAccount',
            'zimbraMailDeliveryAddress: b@example.com',
            'zimbraMailAlias: berta@example.com',
            'zimbraMailHost: mail2.example.com',
          ],
          base,
        ),
      ].join(''),
    where: { own: ['anna@example.com'], second: ['berta@example.com'], unknown },
  },
  {
    name: 'own attributes',
    schema: '',
    lines: [
      'address_attributes = mail, description',
      'target_attribute = title',
      'host_attribute = mailHost',
    ],
    objects: (base) =>
      [
        object('anna', ['mail: anna@example.com'], base),
        object(
          'berta',
          [
            'objectClass: inetLocalMailRecipient',
            'mail: berta@example.com',
            'mailHost: mail2.example.com',
          ],
          base,
        ),
      ].join(''),
    where: { own: ['anna@example.com'], second: ['berta@example.com'], unknown },
  },
]
