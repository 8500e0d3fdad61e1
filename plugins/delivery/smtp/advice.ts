/**
 * What a refusal means for people: for the sender in a report, for the administrator in `check`,
 * `probe` and the log. The sentences follow from the judge (judge.ts); where a host's words name a
 * fault of the setup that is known, the remedy is named too. Pure.
 */
import { judgeReply } from './judge.js'
import type { SmtpReply } from './smtp-reply.js'

/**
 * For the sender, in a report: whose fault it is and what to do; empty where the host's words do not
 * tell. The reply is judged as one to the dot, where a bare 550 says nothing.
 */
export function adviceToSender(reply: SmtpReply, gatewayName: string): string {
  switch (judgeReply(reply, 'dot')) {
    case 'address':
      return 'That system has no such address. Please check it for typing errors.'
    case 'full':
      return 'The mailbox is full. Please tell the recipient in another way, and send the message again later.'
    case 'disabled':
      return 'The mailbox exists, but has been closed or switched off. Please reach the recipient in another way.'
    case 'message':
      return 'That system does not want this message: it is too large, or it takes exception to the contents.'
    case 'now':
      return 'That system cannot take the message at present. Please send it again later.'
    case 'us':
      return (
        'That system does not take this mail from here. The recipient made no mistake, and most likely ' +
        `you did not either: please show this report to postmaster@${gatewayName}. For the administrator: ` +
        `${remedyFor(reply)}.`
      )
    case 'taken':
    case 'unclear':
      return ''
  }
}

interface Known {
  readonly pattern: RegExp
  readonly remedy: string
}

const known: readonly Known[] = [
  {
    pattern: /tenantattribution/iu,
    remedy:
      'Exchange Online does not know this gateway: no inbound connector of the tenant names its certificate or its address, ' +
      'or the domain is no accepted domain there. Set up an inbound connector of type "Your organization\'s email server" ' +
      'with the name in the certificate of tls_cert_file, or with the public address of this gateway',
  },
  {
    pattern: /banned sending ip|traffic not accepted from this ip/iu,
    remedy:
      'Microsoft has blocked the address of this gateway: have it taken off the list at sender.office.com, ' +
      'and let an inbound connector of the tenant name this gateway',
  },
  {
    pattern: /non-accepted domain|relay|rcpthosts|delivery is not allowed to this address/iu,
    remedy:
      'that system does not take this domain for its own, at least not from here: let it accept mail for the domain ' +
      '(accepted domain, relay domain, rcpthosts), and let its receive connector or network list allow this gateway',
  },
  {
    pattern: /authenticat|auth required|starttls/iu,
    remedy:
      'that system wants a log-in or TLS: set auth_user and auth_password_file, or tls = required; or let it take ' +
      'this gateway without',
  },
  {
    pattern: /reverse|\bptr\b|rdns|hostname|name lookup|\bspf\b/iu,
    remedy:
      'that system checks the name of this gateway: let its address have a name in DNS that leads back to it (PTR), ' +
      'and except it from checks of SPF there, since it forwards for others',
  },
  {
    pattern: /block|black|\brbl\b|spamhaus|reputation|\bbanned\b/iu,
    remedy:
      'that system has this gateway on a block list: take it off there, and except the gateway from such lists, ' +
      'since it hands on what others sent',
  },
  {
    pattern: /sender/iu,
    remedy:
      'that system refuses the sender: let it take reports (the null sender, RFC 5321 6.1) from this gateway, and ' +
      'except it from checks of the sender',
  },
]

/** For the administrator: what to do when a host refuses us. */
export function remedyFor({ lines }: SmtpReply): string {
  const words = lines.join(' ')
  return (
    known.find(({ pattern }) => pattern.test(words))?.remedy ??
    'let that system accept mail from this gateway for the domain'
  )
}
