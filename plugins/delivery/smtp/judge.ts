/**
 * What a host's reply to MAIL, RCPT or the final dot speaks of. One judge for verify_recipients,
 * `probe`, `check` and the text of reports. Pure.
 *
 *   taken     2xx
 *   address   there is no such address at that system: the only one that verify_recipients believes
 *   full      the mailbox is there, and has no room
 *   disabled  the mailbox is closed, locked or given up
 *   us        it would say so of any recipient: relaying, authentication, block lists, our sender
 *   message   its size or its contents
 *   now       another time it may be different
 *   unclear   a refusal that says nothing of these
 *
 * Words go before codes, since hosts are careful with neither: `550 5.4.1 … Access denied` of Exchange
 * Online is an unknown recipient, `550 5.7.1 No such user!` too, and `550 5.1.1 … blocked` is not.
 * A temporary reply never speaks of the address. In doubt it is not the address: mail is accepted
 * then, and the host says at delivery what it thinks. Codes: RFC 5321 4.2.3, RFC 3463.
 */
import { isPositive, type SmtpReply } from './smtp-reply.js'

export type About = 'taken' | 'address' | 'full' | 'disabled' | 'us' | 'message' | 'now' | 'unclear'

export type Step = 'MAIL' | 'RCPT' | 'dot'

// a host may send 64 KB, of which no word behind these tells more
const mostWords = 1500
const nouns = 'mail-?box|account|user|recipient|addressee|address|destinataire|compte'

/** Exchange Online: directory based edge blocking. Others say the words with other codes. */
const edgeBlocked = /recipient address(?:es)? rejected ?: ?access denied/u
const full =
  /\bover ?quota|quota (?:is )?exceeded|exceed\w* (?:\w+ ){0,3}(?:quota|storage)|\b(?:mail-?box|inbox|storage|mailfolder)\b[^.;]{0,20}\b(?:full|size limit exceeded|exceeds? quota)|out of storage|quota violation|\bpleine\b|not enough (?:storage )?space/u
const rate =
  /at a rate that|too (?:quickly|fast)|rate limit|exceeded (?:their|the|its) limit|limit for the number of messages|too many recipients/u
const later =
  /gr[ea]y-?list|try (?:it )?again|try later|temporar|\bbusy\b|\bdeferred\b|later\b|too many|in progress/u
const sender =
  /\bsender|\bmail ?from\b|\breturn path\b|\bemetteur\b|callback|purported responsible|\bfrom: header/u
const disabled = new RegExp(
  `\\b(?:${nouns})(?:'s)?\\b[^.;]{0,40}\\b(?:disabled|inactive|suspended|locked|blocked|bloque|frozen|closed|deactivated|discontinued|expired)\\b|` +
    `\\b(?:inactive|disabled|suspended|locked|deactivated)\\b (?:e-?mail |recipient )?(?:${nouns})\\b|recipient address rejected: inactive`,
  'u',
)
const us = [
  // not `User unknown in relay recipient table`, nor the client's address as `relay=`
  /\brelay(?:ing|ed)?\b(?! recipient| ?=)|rcpthosts|gateway not allowed|non-accepted domain/u,
  /\bdeni(?:ed|al)\b|\bpolic(?:y|ies)\b|(?<!mailbox name )not (?:allowed|permitted|authori[sz]ed)|prohibit|\bbanned\b|forbidden|administrative/u,
  /authenticat|auth required|must issue a starttls|tenantattribution/u,
  /\bspf\b|\bdmarc\b|\bdkim\b|reverse dns|\bptr\b|\brdns\b|name lookup|reverse hostname/u,
  /\bblocked\b|\bblock[- ]?list|\bblock\b|black-?list|\brbl\b|dnsbl|spamhaus|senderbase|cloudmark|reputation|\babuse\b|\bspam|spoof/u,
  /\bclient host\b|\bhost network\b|your (?:ip|host|server|network|isp)\b|sending (?:ip|mta)\b|\bip address\b|\badresse ip\b/u,
  /too many|frequency limited|mail server requires|\bloop/u,
]
const size =
  /(?:message|size|length|headers?)[^.;]{0,30}(?:too (?:large|big|long)|exceed)|exceed\w* [^.;]{0,30}size limits?/u
const contents =
  /\bspam|\bube\b|virus|malware|phish|\bcontents?\b|attachment|suspicio|\bheaders?\b|unsolicited|5322|line limit/u
const noSuch = [
  new RegExp(
    `\\b(?:unknown|no such|invalid|unrout\\w*|undeliverable|bad|non-?existent|illegal|unrecogni[sz]ed|incorrect)\\b[^.;]{0,25}?\\b(?:${nouns}|alias|destination|person|name|customer|local part)`,
    'u',
  ),
  new RegExp(
    `\\b(?:${nouns}|alias|person|destination|customer)\\b[^.;]{0,50}?\\b(?:unknown|invalide?|no longer|unallocated|misspelled|unavailable|unrout\\w*|not (?:be )?(?:found|known|exist|listed|valid|recogni[sz]ed|local|registered)|(?:does|do|did)(?:n['’]?t| not) (?:exist|have))`,
    'u',
  ),
  /no mailbox here|\bnot? (?:our )?customer\b|not a (?:valid|known)|not in (?:the )?recipient list|recip(?:ient)?notfound|invalid-recipient|unknown or illegal|mailbox name not allowed|not listed in|\bcuda_nsu\b|\bwho\?/u,
  /\binconnue?s?\b|unbekannt|sconosciut|desconocid|n'existe pas|no existe|existiert nicht/u,
]

/** What the reply, to the command of this step, speaks of. */
export function judgeReply(reply: SmtpReply, step: Step): About {
  if (isPositive(reply)) return 'taken'
  const words = wordsOf(reply)
  const enhanced = enhancedOf(reply)
  if (reply.code < 500) return judgeTemporary(words, enhanced)
  if (step === 'MAIL') return size.test(words) || isSize(enhanced) ? 'message' : 'us'
  if (edgeBlocked.test(words) && enhanced === '5.4.1') return 'address'
  return judgeWords(words, step) ?? judgeCodes(reply.code, enhanced, words, step)
}

function judgeTemporary(words: string, enhanced: string): About {
  if (full.test(words) || enhanced === '4.2.2') return 'full'
  if (later.test(words) || rate.test(words)) return 'now'
  return matches(us, words) || sender.test(words) ? 'us' : 'now'
}

function judgeWords(words: string, step: Step): About | undefined {
  if (sender.test(words)) return 'us'
  if (rate.test(words)) return 'now'
  if (full.test(words)) return 'full'
  if (/temporar|try again/u.test(words)) return 'now'
  if (disabled.test(words)) return 'disabled'
  if (size.test(words)) return 'message'
  if (step === 'dot' && contents.test(words)) return 'message'
  if (matches(us, words)) return 'us'
  return matches(noSuch, words) ? 'address' : undefined
}

function judgeCodes(code: number, enhanced: string, words: string, step: Step): About {
  const [, subject = '', detail = ''] = /^5\.(\d+)\.(\d+)$/u.exec(enhanced) ?? []
  if (isSize(enhanced)) return 'message'
  switch (subject) {
    case '1':
      if (['7', '8'].includes(detail)) return 'us'
      return ['0', '1', '2', '3', '4', '6', '10', '351'].includes(detail) ? 'address' : 'unclear'
    case '2':
      return detail === '1' ? 'disabled' : detail === '2' ? 'full' : 'unclear'
    case '3':
      return 'unclear'
    case '4':
      return ['6', '14'].includes(detail) ? 'us' : 'unclear'
    case '5':
      return detail === '3' ? 'now' : 'us'
    case '6':
      return 'message'
    case '7':
      return 'us'
    default:
      return judgeBare(code, words, step)
  }
}

/** No enhanced code, or 5.0.0, and no words that one knows. */
function judgeBare(code: number, words: string, step: Step): About {
  if (code === 552) return 'full'
  if (code === 530) return 'us'
  if (step === 'dot' || !/\S/u.test(words) || /reject|refus/u.test(words)) return 'unclear'
  return [550, 551, 553].includes(code) ? 'address' : 'unclear'
}

function isSize(enhanced: string): boolean {
  return enhanced === '5.2.3' || enhanced === '5.3.4'
}

function matches(patterns: readonly RegExp[], words: string): boolean {
  return patterns.some((pattern) => pattern.test(words))
}

/**
 * The host's own words: without addresses (a user may be called `blocked`), links, host names in
 * brackets and what a quoting host put in front.
 */
function wordsOf({ lines }: SmtpReply): string {
  return lines
    .join(' ')
    .slice(0, mostWords)
    .toLowerCase()
    .replace(/https?:\/\/\S+/gu, ' ')
    .replace(/<[^>]*>|\[[^\]]*\]|[^\s(:,;]*@[\w.-]+/gu, ' ')
    .replace(/^\s*\S+\.\.\.(?=\s)/u, ' ')
    .replace(/\s+/gu, ' ')
    .replace(/ ([:;,])/gu, '$1')
    .trim()
}

/** Of qmail, Cisco and others it stands in the words: `(#5.1.1)`. */
function enhancedOf({ enhanced, lines }: SmtpReply): string {
  return enhanced === ''
    ? (/#([45]\.\d{1,3}\.\d{1,3})\b/u.exec(lines.join(' ').slice(0, mostWords))?.[1] ?? '')
    : enhanced
}
