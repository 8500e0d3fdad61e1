/**
 * The attacks that a stranger has over SMTP: what is sent, what is right, and how to tell from outside.
 * Each is a conversation with a server on loopback; which server it is does not matter, so that any install
 * and Postfix can stand in the same place.
 *
 * `right` judges the replies; what a host behind the gateway must never get is judged by who runs it.
 */
import { inTime } from '../../plugins/basics/in-time.js'
import { SmtpClient, type Reply, type Server } from '../../plugins/stage/smtp-client.js'

/** Addresses of the install that is attacked. */
export interface Target extends Server {
  /** somebody who has a mailbox */
  readonly mailbox: string
  /** an address space whose unknown recipients go to another system */
  readonly shared: string
  /** one whose unknown recipients do not exist */
  readonly authoritative: string
}

export interface Attack {
  readonly name: string
  readonly kind: 'relay' | 'smuggling' | 'loop fields' | 'injection' | 'harvesting' | 'overload'
  /** what happens, for docs/security.md */
  readonly answer: string
  readonly run: (target: Target) => Promise<readonly string[]>
  /** the last replies are the ones that count */
  readonly right: (replies: readonly string[]) => boolean
}

/** What stands in everything that must not get through. */
export const mark = 'victim'
const from = 'stranger@client.example'
const closed = 'closed'
// milliseconds without a reply
const quiet = 700

const refused = (replies: readonly string[]): boolean => /^5\d\d/u.test(replies.at(-1) ?? '')
const is =
  (pattern: RegExp) =>
  (replies: readonly string[]): boolean =>
    pattern.test(replies.at(-1) ?? '')

/** A conversation; whatever ends it is its last word. */
async function talk(
  target: Target,
  work: (
    client: SmtpClient,
    say: (line: string) => Promise<Reply>,
    replies: string[],
  ) => Promise<void>,
): Promise<string[]> {
  const replies: string[] = []
  const client = await SmtpClient.connect(target, { timeout: 20_000 })
  try {
    await client.ehlo('client.example')
    await work(
      client,
      async (line) => {
        const reply = await client.command(line)
        replies.push(reply.text)
        return reply
      },
      replies,
    )
  } catch {
    replies.push(closed)
  } finally {
    client.close()
  }
  return replies
}

const recipient = (address: (target: Target) => string) => (target: Target) =>
  talk(target, async (_client, say) => {
    await say(`MAIL FROM:<${from}>`)
    await say(`RCPT TO:${address(target)}`)
  })

/** The message's octets as they are, and every reply that comes after them. */
const message = (octets: (target: Target) => string) => (target: Target) =>
  talk(target, async (client, say, replies) => {
    await say(`MAIL FROM:<${from}>`)
    await say(`RCPT TO:<${target.mailbox}>`)
    const ready = await say('DATA')
    if (ready.code !== 354) return
    client.write(Buffer.from(octets(target), 'latin1'))
    replies.push((await client.reply()).text)
    // whatever else it took for a command is answered soon
    for (let most = 20; most > 0; most -= 1) {
      const next = await inTime(client.reply(), quiet, () => undefined)
      if (!next) return
      replies.push(next.text)
    }
  })

const relays: readonly (readonly [name: string, address: (target: Target) => string])[] = [
  ['a foreign domain', () => `<${mark}@foreign.example>`],
  ['an address literal', () => `<${mark}@[127.0.0.66]>`],
  ['user%host', ({ shared }) => `<${mark}%foreign.example@${shared}>`],
  ['host!user', ({ shared }) => `<foreign.example!${mark}@${shared}>`],
  ['a quoted @', ({ shared }) => `<"${mark}@foreign.example"@${shared}>`],
  [
    'a quoted @, authoritative',
    ({ authoritative }) => `<"${mark}@foreign.example"@${authoritative}>`,
  ],
  ['a source route', ({ shared }) => `<@${shared}:${mark}@foreign.example>`],
  ['a source route inside', ({ shared }) => `<"@foreign.example:${mark}"@${shared}>`],
  ["Exchange's encapsulation", ({ shared }) => `<IMCEASMTP-${mark}+40foreign+2Eexample@${shared}>`],
  ['the null path', () => '<>'],
]

/** `\n.\r\n` and its like, with a second message behind it. */
const second = ({ mailbox }: Target): string =>
  `MAIL FROM:<${mark}@client.example>\r\nRCPT TO:<${mailbox}>\r\nDATA\r\nSubject: ${mark}\r\n\r\n${mark}\r\n.\r\n`
const head = 'Subject: first\r\n\r\nfirst'
const endings: readonly (readonly [name: string, octets: string])[] = [
  ['bare LF, dot, bare LF', '\n.\n'],
  ['bare LF, dot, CR LF', '\n.\r\n'],
  ['CR LF, dot, bare LF', '\r\n.\n'],
  ['bare CR, dot, CR LF', '\r.\r\n'],
  ['bare CR, dot, bare CR', '\r.\r'],
  ['CR LF, dot, bare CR', '\r\n.\r'],
  ['CR CR LF, dot, CR CR LF', '\r\r\n.\r\r\n'],
  ['NUL between dot and line end', '\r\n.\0\r\n'],
]

const hostile: readonly (readonly [name: string, local: string])[] = [
  ['LDAP filter: everybody', '*'],
  ['LDAP filter: closed early', 'x)(|(mail=*'],
  ['LDAP filter: escaped star', '\\2a'],
  ['LDAP: DN', 'cn=admin,dc=example'],
  ['template', '{address}'],
  ['log: fields of a decision', '"x\\"place=\\"connector:other"'],
  ['log: direction turned', 'x\u202exmoc'],
  ['Kelvin sign', 'nobody\u212a'],
]

const harvest = (target: Target): Promise<string[]> =>
  talk(target, async (_client, say) => {
    await say(`MAIL FROM:<${from}>`)
    for (let at = 0; at < 40; at += 1) await say(`RCPT TO:<made-up-${at}@${target.authoritative}>`)
  })

export const attacks: readonly Attack[] = [
  ...relays.map(([name, address]): Attack => ({
    name,
    kind: 'relay',
    answer: 'refused, `550 5.7.1`, or as no address',
    run: recipient(address),
    right: refused,
  })),
  {
    name: 'a tag that names a host',
    kind: 'relay',
    answer: 'the tag stays behind: the mailbox gets it',
    run: (target) => {
      const [local = '', domain = ''] = target.mailbox.split('@')
      return recipient(() => `<${local}+${mark}%foreign.example@${domain}>`)(target)
    },
    right: is(/^(?:250|5\d\d)/u),
  },
  ...endings.map(([name, octets]): Attack => ({
    name,
    kind: 'smuggling',
    answer: 'one message or none: refused (`550 5.6.0`, `451`), or part of its body',
    run: message((target) => `${head}${octets}${second(target)}\r\n.\r\n`),
    // the first DATA is ours: another one was in what should have been its message
    right: (replies) =>
      replies.length > 3 && replies.filter((reply) => reply.startsWith('354')).length < 2,
  })),
  {
    name: 'commands behind the dot',
    kind: 'smuggling',
    answer: 'not obeyed: `503`',
    run: message((target) => `${head}\r\n.\r\n${second(target)}`),
    right: (replies) =>
      replies.length > 4 && !replies.slice(4).some((reply) => reply.startsWith('354')),
  },
  {
    name: 'speech before the handshake of TLS',
    kind: 'smuggling',
    answer: 'forgotten, or TLS is not offered',
    run: (target) =>
      talk(target, async (client, _say, replies) => {
        client.write(`STARTTLS\r\nMAIL FROM:<${mark}@client.example>\r\n`)
        const { code, text } = await client.reply()
        replies.push(text)
        // the command would be obeyed in plain text, or behind the handshake that never comes
        if (code === 220) replies.push((await client.reply()).text)
      }),
    right: ([first = '', second = '']) =>
      /^[45]\d\d/u.test(first) || (first.startsWith('220') && second === closed),
  },
  {
    name: 'made-up loop fields, 1,000',
    kind: 'loop fields',
    answer: 'count for nothing: only the first 200 are read, and nobody else can make a token',
    run: message(() => {
      const field = `X-Address-Space-Loop: gateway.example; ${'AAAAAAAAAAAAAAAAAAAAAA '.repeat(30)}\r\n`
      return `${field.repeat(1000)}Subject: forged\r\n\r\nx\r\n.\r\n`
    }),
    right: (replies) => /^[25]\d\d/u.test(replies[3] ?? ''),
  },
  {
    name: 'Received fields, 60',
    kind: 'loop fields',
    answer: 'refused, `550 5.4.6`',
    run: message(() => `${'Received: from a by b\r\n'.repeat(60)}Subject: hops\r\n\r\nx\r\n.\r\n`),
    right: (replies) => replies.slice(3).some((reply) => reply.startsWith('5')),
  },
  ...hostile.map(([name, local]): Attack => ({
    name,
    kind: 'injection',
    answer: 'an address like any other: unknown, or no address',
    run: recipient(({ authoritative }) => `<${local}@${authoritative}>`),
    right: refused,
  })),
  ...(['\0', '\u0001', '\u001b[2J', '\t'] as const).map((sign): Attack => ({
    name: `control character ${JSON.stringify(sign)} in a local part`,
    kind: 'injection',
    answer: 'no address: `501`',
    run: recipient(({ shared }) => `<"${mark}${sign}x"@${shared}>`),
    right: refused,
  })),
  {
    name: 'the same in the sender',
    kind: 'injection',
    answer: 'no address: `501`',
    run: (target) =>
      talk(target, async (_client, say) => {
        await say(`MAIL FROM:<"${mark}\u0001"@client.example>`)
      }),
    right: refused,
  },
  {
    name: 'VRFY and EXPN',
    kind: 'harvesting',
    answer: 'tell nothing',
    run: (target) =>
      talk(target, async (_client, say) => {
        await say(`VRFY ${target.mailbox}`)
        await say(`EXPN ${target.mailbox}`)
      }),
    right: (replies) => replies.every((reply) => /^(?:252|5\d\d)/u.test(reply)),
  },
  {
    name: '40 unknown recipients in a session',
    kind: 'harvesting',
    answer: 'each slower than the one before, then `421`',
    run: harvest,
    right: (replies) =>
      replies.includes(closed) || replies.some((reply) => reply.startsWith('421')),
  },
  {
    name: 'a command of 100 KB',
    kind: 'overload',
    answer: 'refused, and the connection closed',
    run: recipient(({ shared }) => `<${'x'.repeat(100_000)}@${shared}>`),
    right: (replies) => refused(replies) || replies.at(-1) === closed,
  },
  {
    name: 'a local part of 400 octets',
    kind: 'overload',
    answer: 'no address, or unknown',
    run: recipient(({ authoritative }) => `<${'x'.repeat(400)}@${authoritative}>`),
    right: refused,
  },
  {
    name: 'a domain of 300 labels',
    kind: 'overload',
    answer: 'refused',
    run: recipient(({ shared }) => `<x@${'a.'.repeat(300)}${shared}>`),
    right: refused,
  },
  {
    name: '20,000 header lines',
    kind: 'overload',
    answer: 'taken or refused, octet for octet; nothing waits for it',
    run: message(() => `${'X: y\r\n'.repeat(20_000)}\r\nx\r\n.\r\n`),
    right: (replies) => /^[25]/u.test(replies[3] ?? ''),
  },
  {
    name: 'a line of 1 MB',
    kind: 'overload',
    answer: 'taken, folded by Haraka, or refused',
    run: message(() => `Subject: x\r\n\r\n${'x'.repeat(1_000_000)}\r\n.\r\n`),
    right: (replies) => /^[25]/u.test(replies[3] ?? ''),
  },
]
