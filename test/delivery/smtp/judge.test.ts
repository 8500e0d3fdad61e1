/**
 * Replies of real systems and what they speak of. Each has its source: `field manual` is
 * ActiveCampaign/smtp-field-manual (data/codes, replies seen in production), `bounces` is
 * sisimai/set-of-emails (maildir/bsd), other names are source files, manuals and pages.
 */
import assert from 'node:assert/strict'

import { judgeReply, type About, type Step } from '../../../plugins/delivery/smtp/judge.js'
import { ReplyParser } from '../../../plugins/delivery/smtp/reply.js'

type Row = readonly [text: string, about: About, source: string, step?: Step]

const tables: Record<string, readonly Row[]> = {
  'Exchange Online': [
    [
      '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [PR2FRA01FT009.eop-fra01.prod.protection.outlook.com]',
      'address',
      'zone-eu/zone-mta pull 214',
    ],
    [
      '550 5.4.1 [email@example.com]: Recipient address rejected: Access denied [example.com]',
      'address',
      'field manual, 550 exchangeonline',
    ],
    [
      '550 5.4.1 All recipient addresses rejected : Access denied [BN8NAM.eop-nam02.prod.protection.outlook.com]',
      'address',
      'field manual, 550 outlook',
    ],
    [
      '550 5.4.1 Recipient address rejected: Access denied',
      'us',
      'the same words at another step are no answer about a recipient',
      'MAIL',
    ],
    [
      '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
      'address',
      'bounces, rhost-microsoft-03',
      'dot',
    ],
    [
      '550 5.1.351 Remote server returned unknown recipient or mailbox unavailable',
      'address',
      'bounces, lhost-office365',
      'dot',
    ],
    [
      '550 5.7.64 TenantAttribution; Relay Access Denied [BN3NAM04FT036.eop-NAM04.prod.protection.outlook.com]',
      'us',
      'Microsoft, Email non-delivery reports in Exchange Online',
    ],
    [
      '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain',
      'us',
      'bounces, lhost-mimecast-02',
    ],
    [
      '530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM [AM6PR07.eurprd07.prod.outlook.com]',
      'us',
      'easy365manager.com, Office 365 NDR codes',
      'MAIL',
    ],
    [
      '550 5.7.606 Access denied, banned sending IP [198.51.100.222]. To request removal from this list please visit https://sender.office.com/ and follow the directions.',
      'us',
      'bounces, rhost-microsoft-01',
    ],
    [
      '550 5.7.708 Access denied, traffic not accepted from this IP.',
      'us',
      'Microsoft, error codes 5.7.700 through 5.7.750',
    ],
    [
      '550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal from this list see https://www.spamhaus.org/query/ip/192.0.2.1 (AS16012611)',
      'us',
      'field manual, 550 exchangeonline',
    ],
    [
      '550 5.7.509 Access denied, sending domain [EXAMPLE.JP] does not pass DMARC verification and has a DMARC policy of reject.',
      'us',
      'bounces, rhost-microsoft-04',
      'dot',
    ],
    [
      '451 4.7.500 Server busy. Please try again later from [192.0.2.5]. (AS77712344)',
      'now',
      'field manual, 451 exchangeonline',
    ],
    [
      '450 4.7.3 Organization queue quota exceeded. [outlook.com]',
      'full',
      'field manual, 450 outlook',
    ],
    [
      '554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour. For more information go to http://go.microsoft.com/fwlink/?LinkId=526653.',
      'now',
      'field manual, 554 outlook',
    ],
    [
      '550 5.5.0 Requested action not taken: mailbox unavailable. [BN8.eop-nam12.prod.protection.outlook.com]',
      'address',
      'field manual, 550 outlook (Hotmail)',
    ],
  ],
  'Exchange on premises': [
    [
      '550 5.1.1 User unknown',
      'address',
      'Microsoft, Recipient filtering on Edge Transport servers',
    ],
    [
      '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found',
      'address',
      'bounces, lhost-exchange2007-01',
      'dot',
    ],
    [
      '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required',
      'us',
      'bounces, lhost-exchange2007-04',
      'dot',
    ],
    ['550 5.7.1 Unable to relay', 'us', 'Microsoft, Allow anonymous relay on Exchange servers'],
    [
      '550 5.7.1 Unable to relay for blocked.user@example.com',
      'us',
      'Microsoft KB 895853 (Exchange 2003)',
    ],
    [
      '550 5.2.2 STOREDRV.Deliver: mailbox full. The following information should help identify the cause',
      'full',
      'bounces, lhost-exchange2007-02',
      'dot',
    ],
    [
      '550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient',
      'message',
      'bounces, lhost-exchange2007-03',
      'dot',
    ],
    ['452 4.3.1 Insufficient system resources', 'now', 'Microsoft, Understanding back pressure'],
    ['501 5.1.3 Invalid address', 'address', 'field manual, 501 outlook'],
  ],
  Google: [
    [
      "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550-5.1.1 double-checking the recipient's email address for typos or unnecessary spaces.\r\n550 5.1.1 Learn more at https://support.google.com/mail/?p=NoSuchUser - gsmtp",
      'address',
      'field manual, 550 google',
    ],
    [
      '550 5.2.1 The email account that you tried to reach is disabled. Learn more at https://support.google.com/mail/?p=DisabledUser - gsmtp',
      'disabled',
      'field manual, 550 google',
    ],
    [
      '550-5.2.1 The email account that you tried to reach is inactive. For more\r\n550 5.2.1 information, go to https://support.google.com/mail/?p=DisabledUser - gsmtp',
      'disabled',
      'bounces, rhost-google-07',
    ],
    [
      '550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. https://support.google.com/mail/?p=ReceivingRatePerm - gsmtp',
      'now',
      'field manual, 550 google',
    ],
    [
      "552-5.2.2 The recipient's inbox is out of storage space and inactive. Please\r\n552 5.2.2 direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm - gsmtp",
      'full',
      'bounces, rhost-google-05',
    ],
    [
      '452 4.2.2 The email account that you tried to reach is over quota. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp - gsmtp',
      'full',
      'field manual, 452 google',
    ],
    [
      '450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.',
      'now',
      'field manual, 450 google',
    ],
    [
      '550-5.7.26 This mail has been blocked because the sender is unauthenticated.\r\n550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.',
      'us',
      'bounces, rhost-google-04',
      'dot',
    ],
    [
      '550 5.7.1 [192.0.2.1] Our system has detected that this message is likely suspicious due to the very low reputation of the sending domain.',
      'message',
      'field manual, 550 google',
      'dot',
    ],
    [
      '421 4.7.28 [192.0.2.1] Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.',
      'now',
      'field manual, 421 google',
    ],
    [
      '553 5.1.2 The recipient address <user@example.com> is not a valid RFC-5321 address. - gsmtp',
      'address',
      'field manual, 553 google',
    ],
    [
      "552-5.2.3 Your message exceeded Google's message size limits.\r\n552 5.2.3 Please visit http://mail.google.com/support/bin/answer.py?answer=8770",
      'message',
      'field manual, 552 google',
      'dot',
    ],
  ],
  Postfix: [
    [
      '550 5.1.1 <walter@example.com>: Recipient address rejected: User unknown in relay recipient table',
      'address',
      'Postfix, src/smtpd/smtpd_check.c',
    ],
    [
      '550 5.1.1 <relay@example.com>: Recipient address rejected: User unknown in virtual mailbox table',
      'address',
      'bounces, lhost-postfix (user unknown in virtual mailbox table)',
    ],
    [
      '550 5.1.1 <spam@example.co.jp>: Recipient address rejected: User unknown in local recipient table',
      'address',
      'bounces, lhost-mfilter-02',
    ],
    ['554 5.7.1 <kijitora@example.org>: Relay access denied', 'us', 'bounces, lhost-sendmail-07'],
    [
      '454 4.7.1 <kijitora@example.org>: Relay access denied',
      'us',
      'Postfix, smtpd_check.c (defer)',
    ],
    [
      '450 4.1.1 <walter@example.com>: Recipient address rejected: unverified address: Address verification in progress',
      'now',
      'field manual, 421 proofpoint; Postfix, address verification',
    ],
    [
      '550 5.1.1 <walter@example.com>: Recipient address rejected: undeliverable address: host unix.example[192.0.2.1] said: 550 5.1.1 <walter@example.com>: Recipient address rejected: user unknown',
      'address',
      'field manual, 550 proofpoint',
    ],
    [
      '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied',
      'us',
      'Postfix, smtpd_check.c',
    ],
    [
      '450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]',
      'us',
      'Postfix, smtpd_check.c',
    ],
    [
      '550 5.1.8 <sender@example.com>: Sender address rejected: Domain not found',
      'us',
      'field manual, 550 proofpoint',
    ],
    [
      '553 5.7.1 <a@b.example>: Sender address rejected: not owned by user c',
      'us',
      'Postfix, smtpd_check.c',
    ],
    ['451 4.3.0 <walter@example.com>: Temporary lookup failure', 'now', 'Postfix, smtpd_check.c'],
    ['452 4.3.1 Insufficient system storage', 'now', 'Postfix, smtpd.c'],
    [
      '552 5.2.2 <mailboxfull@libsisimai.net>: Recipient address rejected: Mailbox full. See https://libsisimai.org/en/reason/#mailboxfull',
      'full',
      'bounces, lhost-qmail-17',
    ],
    ['552 5.3.4 Message size exceeds fixed limit', 'message', 'Postfix, smtpd.c', 'MAIL'],
    [
      '554 5.7.1 <e22-33.smtp-out.amazonses.com[192.0.2.127]>: Client host rejected: blocked using mail.neko.example.com; Please see http://mail.neko.example.com/rbl/?ip=192.0.2.127 to send.',
      'us',
      'bounces, lhost-amazonses',
    ],
    ['530 5.7.0 Must issue a STARTTLS command first', 'us', 'RFC 3207; Postfix, smtpd.c', 'MAIL'],
    [
      '550 5.7.1 <kijitora@example.com>: Recipient address rejected: User kijitora@example.com temporary locked. Please try again later!',
      'now',
      'bounces, a policy server behind Postfix',
    ],
    [
      '450 4.2.0 <email@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.com.html',
      'now',
      'postgrey',
    ],
  ],
  Exim: [
    ['550 Unrouteable address', 'address', 'Exim, src/verify.c'],
    [
      '550-Verification failed for <a@b.example>\r\n550-The mail server could not deliver mail to a@b.example. The account or domain may not exist, they may be blacklisted, or missing the proper dns entries.\r\n550 Sender verify failed',
      'us',
      'cPanel, exim.conf; kumomta community bounces',
    ],
    ['550 relay not permitted', 'us', 'Exim, configure.default'],
    ['550 Administrative prohibition', 'us', 'Exim, src/acl.c'],
    [
      '550-Callback setup failed while verifying <a@b.example>\r\n550-The initial connection, or a HELO or MAIL FROM:<> command was\r\n550 rejected.',
      'us',
      'Exim, src/smtp_in.c',
    ],
    ['550 No Such User Here', 'address', 'cPanel, valiases :fail:'],
    ['550 Unroutable sender address', 'us', 'bounces, lhost-exim-36'],
    [
      '550 Bad SPF records for [example.org:192.0.2.2], see http://spf.pobox.com/',
      'us',
      'bounces, lhost-exim-29',
    ],
    ['550 5.1.1 unknown or illegal alias: kijitora@me.com', 'address', 'bounces, lhost-exim-59'],
    [
      '551 Server access mta.example.org forbidden by invalid RDNS record of your mail server (203.0.113.2).',
      'us',
      'bounces, lhost-exim-40',
    ],
    ['550 Access denied...7d39d5299584f4be161127e61f5f5400...', 'us', 'bounces, lhost-exim-35'],
  ],
  Sendmail: [
    [
      '550 5.1.1 <userunknown@bouncehammer.jp>... User unknown',
      'address',
      'bounces, lhost-sendmail-01',
    ],
    ['550 5.2.1 <filtered@example.co.jp>... User Unknown', 'address', 'bounces, lhost-postfix-02'],
    ['550 5.7.1 <walter@example.com>... Relaying denied', 'us', 'Sendmail, cf/m4/proto.m4'],
    ['553 5.3.0 <kijitora@example.com>... No such user here', 'address', 'bounces, lhost-x3-01'],
    ['550 5.0.0 <a@mineo.jp>... User unknown', 'address', 'bounces, lhost-sendmail-27'],
    [
      '553 5.1.8 <httpd@host1.mx.example.jp>... Domain of sender address httpd@host1.mx.example.jp does not exist',
      'us',
      'bounces, lhost-sendmail-04',
    ],
    [
      '450 4.7.1 Access denied. IP name lookup failed [192.0.2.222]',
      'us',
      'bounces, lhost-sendmail-08',
    ],
    ['551 not our customer', 'address', 'bounces, lhost-sendmail-22'],
    ['450 busy - please try later', 'now', 'bounces, lhost-sendmail-22'],
    [
      '550 5.1.2 <neko@example.jp>... Host unknown (Name server: example.jp.: host not found)',
      'address',
      'bounces, lhost-sendmail-24',
    ],
    ['554 5.4.6 Too many hops', 'us', 'bounces, lhost-sendmail-20', 'dot'],
    ['525 5.7.13 Disabled recipient address', 'disabled', 'bounces, lhost-sendmail-35'],
    ['452 4.2.2 <kijitora@example.jp>... Mailbox Full', 'full', 'bounces, lhost-qmail-06'],
  ],
  qmail: [
    ['511 sorry, no mailbox here by that name (#5.1.1 - chkuser)', 'address', 'chkuser_settings.h'],
    [
      "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
      'us',
      'qmail-smtpd.c',
    ],
    [
      "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.5.3 - chkuser)",
      'us',
      'ehosted.com, 553',
    ],
    ['421 too many invalid addresses, goodbye (#4.7.1)', 'now', 'qmail-ldap, qmail-smtpd.c'],
    [
      '553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)',
      'us',
      'qmail-smtpd.c',
      'RCPT',
    ],
    [
      '550 Mailaddress is administratively disabled. (#5.2.1)',
      'us',
      'qmail-ldap, in doubt not the address',
    ],
  ],
  'Dovecot, Zimbra, Cyrus': [
    [
      "550 5.1.1 <anna@example.com> User doesn't exist: anna@example.com",
      'address',
      'Dovecot, src/lmtp (smtp_server_recipient_reply)',
    ],
    [
      '552 5.2.2 <anna@example.com> Quota exceeded (mailbox for user is full)',
      'full',
      'Dovecot, lmtp',
      'dot',
    ],
    ['451 4.3.0 <anna@example.com> Temporary internal error', 'now', 'Dovecot, lmtp'],
    [
      '550 5.1.1 <anna@example.com>: Recipient address rejected: example.com',
      'address',
      'Zimbra, virtual_mailbox_maps',
    ],
    [
      '550-Mailbox unknown.  Either there is no mailbox associated with this\r\n550-name or you do not have authorization to see it.\r\n550 5.1.1 User unknown',
      'address',
      'Cyrus, quoted in the tests of a bounce parser',
    ],
    ['452 4.2.2 Over quota', 'full', 'Cyrus, quoted in the tests of a bounce parser'],
  ],
  'Lotus Domino, hMailServer, MDaemon and others': [
    [
      '550 kijitora@example.com... No such user',
      'address',
      'bounces, lhost-surfcontrol-01 (Domino)',
    ],
    [
      '550 policy@example.com... No such user',
      'address',
      'the same, of a user whose name is a word of ours',
    ],
    ['554 Relay rejected for policy reasons.', 'us', 'Domino, from memory, not looked up'],
    [
      '550 User anna (anna@example.com) not listed in Domino Directory',
      'address',
      'bounces, lhost-domino-01',
    ],
    ['550 Unknown user', 'address', 'hMailServer, SMTPConnection.cpp'],
    [
      '550 Delivery is not allowed to this address.',
      'us',
      'hMailServer, SMTPConnection.cpp: relaying',
    ],
    ['530 SMTP authentication is required.', 'us', 'hMailServer, SMTPConnection.cpp'],
    ['451 Please try again later.', 'now', 'hMailServer, SMTP error messages: greylisting'],
    [
      '550 <walter@example.com>, Recipient unknown',
      'address',
      'MDaemon, from memory, not looked up',
    ],
    [
      '452 <walter@example.com>, Mailbox full, try again later',
      'full',
      'MDaemon 12, over quota answered 452',
    ],
    [
      '550 user@example.com unknown user account',
      'address',
      'CommuniGate Pro, quoted in the tests of a bounce parser',
    ],
    [
      '550 Requested action not taken: mailbox unavailable or not local',
      'address',
      'MailEnable, quoted in sisimai Reason/NoRelaying',
    ],
    [
      '503 This mail server requires authentication when attempting to send to a non-local e-mail address.',
      'us',
      'MailEnable, quoted in sisimai Reason/NoRelaying',
    ],
    [
      '451 This server employs greylisting as a means of reducing spam. Please resend e-mail shortly',
      'now',
      'MailEnable KB ME020631',
    ],
    [
      '550 <nobody@example.com> No such user here',
      'address',
      'SmarterMail, from memory, not looked up',
    ],
    ['550 5.1.2 Relay not allowed.', 'us', 'Stalwart, inbound/rcpt.rs'],
    ['550 5.1.2 Mailbox does not exist.', 'address', 'Stalwart, inbound/rcpt.rs'],
    ['550 Invalid recipient', 'address', 'OpenSMTPD'],
    ['550 5.1.1 No such user', 'address', 'WildDuck, Haraka plugin'],
    [
      '550 I cannot deliver mail for <a@example.com>',
      'address',
      'Haraka, connection.js: a bare 550',
    ],
    ['553 Requested action not taken: mailbox name not allowed', 'address', 'RFC 5321 4.2.3'],
  ],
  'large providers': [
    [
      "554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0] - mta1061.mail.ne1.yahoo.com",
      'address',
      'bounces, lhost-sendmail-41',
    ],
    [
      '554 delivery error: dd Sorry, your message to a@example.com cannot be delivered. This mailbox is disabled (554.30). - example.yahoo.com',
      'disabled',
      'field manual, 554 yahoo',
    ],
    [
      '552 1 Requested mail action aborted, mailbox not found',
      'address',
      'field manual, 552 yahoo',
    ],
    [
      '554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes',
      'us',
      'field manual, 554 yahoo',
      'dot',
    ],
    ['550 relaying denied for <example@example.com>', 'us', 'field manual, 550 yahoo'],
    ['550 5.7.1 No such user!', 'address', 'field manual, 550 yandex'],
    ['550 5.7.1 Policy rejection on the target address', 'us', 'field manual, 550 yandex'],
    ['550 5.1.1 <example@icloud.com>: user does not exist', 'address', 'field manual, 550 apple'],
    [
      '550 5.1.6 recipient no longer on server: kijitora@example.jp',
      'address',
      'bounces, rhost-apple-01',
    ],
    ['552 5.2.2 <example@icloud.com>: user is overquota', 'full', 'field manual, 552 apple'],
    [
      '550 5.1.1 <example@comcast.net> recipient mailbox unallocated',
      'address',
      'field manual, 550 comcast',
    ],
    ['452 4.1.1 <example@comcast.net> user over quota', 'full', 'field manual, 452 comcast'],
    ['550 Requested action not taken: mailbox unavailable', 'address', 'field manual, 550 gmx'],
    [
      '550 Requested action not taken: mailbox unavailable Reject due to policy restrictions.',
      'us',
      'field manual, 550 gmx',
    ],
    [
      '552 Requested mail action aborted: exceeded storage allocation Quota exceeded.',
      'full',
      'field manual, 552 gmx',
    ],
    ['550 <a@example.com>: IP address is block listed', 'us', 'field manual, 550 webde'],
    [
      '550 Message was not accepted -- invalid mailbox. Local mailbox example@mail.ru is unavailable: account is disabled',
      'disabled',
      'field manual, 550 mailru',
    ],
    [
      '550 5.2.1 <EXAMPLE@PRODIGY.NET>... Addressee unknown, relay=[192.0.2.1]',
      'address',
      'field manual, 550 att',
    ],
    [
      '550 5.2.1 This mailbox has been blocked due to inactivity',
      'disabled',
      'field manual, 550 free',
    ],
    [
      '550 5.7.1 <a@sfr.fr>: Recipient address rejected: User unknown',
      'address',
      'bounces, lhost-sendmail-48',
    ],
    [
      '550 5.5.0 Adresse destinataire invalide. Invalid recipient. LPN007_416',
      'address',
      'bounces, lhost-sendmail-46',
    ],
    [
      '550 5.5.0 Le compte du destinataire est bloque. The recipient account is blocked. LPN007_426',
      'disabled',
      'bounces, rhost-franceptt-05',
    ],
    [
      '550 mwinf5c04 ME Adresse IP source bloquee pour incident de spam. Client host blocked for spamming issues. OFR006_102',
      'us',
      'field manual, 550 orange',
    ],
    [
      '550 Mailbox not found. http://service.exmail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728',
      'address',
      'field manual, 550 qq',
    ],
    ['550 Mailbox unavailable or access denied', 'us', 'field manual, 550 qq'],
    ['550 Mail is rejected by recipients', 'unclear', 'field manual, 550 qq'],
    ['553 Relaying disallowed', 'us', 'field manual, 553 zoho'],
    [
      '540 5.7.1 <example@rambler.ru>: recipient address rejected: Inactive',
      'disabled',
      'field manual, 540 rambler',
    ],
  ],
  filters: [
    ['550 5.1.1 User Unknown', 'address', 'field manual, 550 proofpoint'],
    [
      '550 5.7.1 <email@example.com>: Recipient address rejected: User email address is marked as invalid.',
      'address',
      'field manual, 550 proofpoint',
    ],
    [
      '550 5.7.1 Service unavailable; client [192.0.2.1] blocked using prs.proofpoint.com',
      'us',
      'field manual, 550 proofpoint',
    ],
    [
      '554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.25',
      'us',
      'bounces, lhost-postfix-38',
    ],
    ['550 5.7.0 Local Policy Violation', 'us', 'bounces, lhost-postfix-51'],
    [
      '550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550',
      'address',
      'Mimecast, SMTP error codes',
    ],
    [
      '550 Administrative prohibition - envelope blocked - https://community.mimecast.com/docs/DOC-1369#550',
      'us',
      'field manual, 550 mimecast',
    ],
    [
      '554 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554',
      'us',
      'field manual, 554 mimecast',
      'dot',
    ],
    [
      '451 Open relay not allowed - https://community.mimecast.com/docs/DOC-1369#451',
      'us',
      'field manual, 451 mimecast',
    ],
    [
      '451 Internal resource temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451',
      'now',
      'field manual, 451 mimecast',
    ],
    [
      '550 cuda_nsu 5.1.1 <email@example.com>... User unknown',
      'address',
      'field manual, 550 barracuda',
    ],
    ['550 No such user (email@example.com)', 'address', 'field manual, 550 barracuda'],
    [
      '550 permanent failure for one or more recipients (email@example.com:blocked)',
      'us',
      'field manual, 550 barracuda',
    ],
    [
      '554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation; http://bbl.barracudacentral.com/q.cgi?ip=192.0.2.1',
      'us',
      'luxsci.com, blacklisted by Barracuda',
    ],
    ['550 #5.1.0 Address rejected.', 'address', 'bounces, rhost-gsuite-01 (Cisco)'],
    [
      "554 Your access to this mail system has been rejected due to the sending MTA's poor reputation. If you believe that this failure is in error, please contact the intended recipient via alternate means.",
      'us',
      'smartertools.com KB a3500 (Cisco)',
    ],
    ['550 #5.7.1 SPF unauthorized mail is prohibited.', 'us', 'Cisco, AsyncOS 7.1 guide', 'MAIL'],
    [
      '550-Invalid recipient <email@example.com>\r\n550 (#5.1.1)',
      'address',
      'Broadcom KB 165163 (Symantec.cloud)',
    ],
    [
      '553 you are trying to use me [xx.messagelabs.com] as a relay, but I have not been configured to let you [192.0.2.1, example.com] do this.',
      'us',
      'field manual, 553 emailsecuritycloud',
    ],
    [
      '553 Message filtered. Refer to the Troubleshooting page at http://www.symanteccloud.com/troubleshooting for more information. (#5.7.1)',
      'us',
      'field manual, 553 emailsecuritycloud',
      'dot',
    ],
    [
      '550-Please turn on SMTP Authentication in your mail client.\r\n550-mail0.bemta0.messagelabs.com [198.51.100.21]:11111 is not permitted to\r\n550 relay through this server without authentication.',
      'us',
      'bounces, rhost-messagelabs-01',
    ],
    ['542 kijitora@example.com Rejected', 'unclear', 'bounces, rhost-messagelabs-03'],
    [
      '554 5.7.1 <a@example.com>: Recipient address rejected: Invalid-Recipient.',
      'address',
      'field manual, 554 trendmicro',
    ],
    [
      '554 5.7.1 <email@example.com>: Recipient address rejected: Not in recipient list',
      'address',
      'field manual, 554 zerospam',
    ],
    [
      '554 Your message could not be delivered due to too many invalid recipients',
      'us',
      'sisimai, tests of reasons',
    ],
    [
      "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
      'us',
      'field manual, 553 yahoo',
    ],
    ['550 Virus Detected; Content Rejected', 'message', 'bounces', 'dot'],
    [
      '554 5.7.1 [1] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc',
      'message',
      'field manual, 554 yandex',
      'dot',
    ],
    ['552 5.3.4 Message too large', 'message', 'bounces', 'dot'],
    ['550 unknown user <kijitora@example.com>', 'address', 'bounces, lhost-mfilter-01', 'dot'],
    ['554 Transaction failed', 'unclear', 'bounces, lhost-postfix-47', 'dot'],
    ['550 5.1.1 user unknown', 'us', 'a sender that the host does not know, at MAIL', 'MAIL'],
    ['250 2.1.5 Ok', 'taken', 'Postfix'],
    ['251 User not local; will forward', 'taken', 'RFC 5321 3.4'],
  ],
}

describe('the judge of replies', () => {
  for (const [system, rows] of Object.entries(tables)) {
    describe(system, () => {
      for (const [text, about, source, step = 'RCPT'] of rows) {
        it(`${step}: ${text.slice(0, 70).replace(/\s+/gu, ' ')}: ${about} (${source})`, () => {
          const [reply] = new ReplyParser().feed(Buffer.from(`${text}\r\n`))
          assert.ok(reply)
          assert.equal(judgeReply(reply, step), about)
        })
      }
    })
  }

  it('knows the replies of more than eighty cases', () => {
    assert.ok(Object.values(tables).flat().length >= 80)
  })

  it('no temporary reply speaks of the address, and none at the dot without words or codes', () => {
    for (const [text] of Object.values(tables).flat()) {
      if (!text.startsWith('5')) continue
      const soft = text.replace(/^5|(?<=\n)5/gu, '4').replace(/\b5\.(?=\d+\.\d)/gu, '4.')
      const [reply] = new ReplyParser().feed(Buffer.from(`${soft}\r\n`))
      assert.ok(reply)
      assert.notEqual(judgeReply(reply, 'RCPT'), 'address', soft)
    }
    assert.equal(judgeReply({ code: 550, enhanced: '', lines: ['no'] }, 'dot'), 'unclear')
  })

  it('takes what hosts may send: empty lines, long ones, other alphabets', () => {
    const long = [
      'user '.repeat(13_000),
      'a'.repeat(65_536),
      '<'.repeat(65_536),
      '[a.'.repeat(20_000),
    ]
    for (const line of ['', ' ', ...long, '用户不存在', '\0', '...', '<>', '[', '@']) {
      const started = performance.now()
      judgeReply({ code: 550, enhanced: '', lines: [line] }, 'RCPT')
      assert.ok(performance.now() - started < 200, line.slice(0, 20))
    }
  })
})
