/**
 * Mail schemas for the test slapd that Debian has no packages for, written from their manuals: names,
 * syntaxes and which class may have what. The numbers are OpenLDAP's for experiments, as nothing
 * looks at them. Sendmail's classes are in slapd's own misc.schema.
 */
const arc = '1.3.6.1.4.1.4203.666.77'
const ia5 = '1.3.6.1.4.1.1466.115.121.1.26'

let number = 0

function attribute(name: string, more = ''): string {
  number += 1
  return `attributetype ( ${arc}.1.${number} NAME '${name}' EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX ${ia5} ${more})\n`
}

function auxiliary(name: string, attributes: readonly string[]): string {
  number += 1
  return `objectclass ( ${arc}.2.${number} NAME '${name}' SUP top AUXILIARY MAY ( ${attributes.join(' $ ')} ) )\n`
}

/** postfix-book.schema, as the book on Postfix and several distributions have it */
export const postfixBook = [
  attribute('mailAlias'),
  attribute('mailForwardingAddress'),
  `attributetype ( ${arc}.1.100 NAME 'mailEnabled' EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )\n`,
  auxiliary('PostfixBookMailAccount', ['mail', 'mailAlias', 'mailEnabled']),
  auxiliary('PostfixBookMailForward', ['mail', 'mailAlias', 'mailForwardingAddress']),
].join('')

/** qmail-ldap */
export const qmail = [
  attribute('mailAlternateAddress'),
  attribute('mailForwardingAddress'),
  attribute('deliveryMode'),
  attribute('accountStatus', 'SINGLE-VALUE '),
  auxiliary('qmailUser', [
    'mail',
    'mailAlternateAddress',
    'mailForwardingAddress',
    'mailHost',
    'deliveryMode',
    'accountStatus',
  ]),
].join('')

/** Zimbra's accounts and lists */
export const zimbra = [
  attribute('zimbraMailDeliveryAddress'),
  attribute('zimbraMailAlias'),
  attribute('zimbraMailHost', 'SINGLE-VALUE '),
  attribute('zimbraMailStatus', 'SINGLE-VALUE '),
  auxiliary('zimbraAccount', [
    'mail',
    'zimbraMailDeliveryAddress',
    'zimbraMailAlias',
    'zimbraMailHost',
    'zimbraMailStatus',
  ]),
].join('')
