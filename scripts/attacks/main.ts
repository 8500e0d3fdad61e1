/**
 * Tries every attack of the table and prints what was answered, with Postfix beside where it is installed.
 *
 *   npm run attacks                                              a gateway of its own, and Postfix
 *   npm run attacks -- --server 127.0.0.1:2525 --mailbox anna@example.local \
 *     --shared example.com --authoritative example.local         any install, on loopback only
 *   npm run attacks -- --floods --seconds 60                     memory and disk under floods
 *
 * Exits 1 if an answer is not right, or if something arrived behind the gateway that must not.
 */
import { parseArgs } from 'node:util'

import { errorText } from '../../plugins/basics/error-text.js'
import { SmtpClient } from '../../plugins/stage/smtp-client.js'
import { flood } from './floods.js'
import { postfixBeside, Site } from './site.js'
import { attacks, mark, type Target } from './table.js'

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    mailbox: { type: 'string', default: 'anna@example.local' },
    shared: { type: 'string', default: 'example.com' },
    authoritative: { type: 'string', default: 'example.local' },
    floods: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '60' },
  },
})

async function main(): Promise<boolean> {
  if (values.floods) return flood(Number(values.seconds), print)
  if (values.server !== undefined) return attackInstall(targetOf(values.server))
  const site = await Site.start()
  const beside = await postfixBeside(site).catch((error: unknown) => {
    print(`without Postfix: ${String(error).split('\n')[0] ?? ''}`)
    return undefined
  })
  try {
    const sides: [string, Target][] = [['the pack', site.target]]
    // what Postfix lets through would be taken for the gateway's
    const right = await attack(sides)
    const { victims } = site
    for (const victim of victims) print(`arrived behind the gateway: ${victim}`)
    if (beside) await attack([['Postfix', beside.target]])
    return right && victims.length === 0
  } finally {
    await beside?.postfix.remove()
    await site.stop()
  }
}

/** Somebody's install: its replies are judged; what arrived behind it only its administrator sees. */
async function attackInstall(target: Target): Promise<boolean> {
  const client = await SmtpClient.connect(target, { timeout: 10_000 })
  await client.quit()
  const right = await attack([['the install', target]])
  print(
    `\nWhat arrived behind it shows there: nothing may name ${mark} as a recipient or a sender.`,
  )
  return right
}

function targetOf(server: string): Target {
  const [, host = '', port = '25'] = /^(127\.[\d.]+|localhost|\[::1\]):?(\d+)?$/u.exec(server) ?? []
  if (host === '')
    throw new Error(`expected a server on loopback such as 127.0.0.1:2525, got ${server}`)
  const { mailbox, shared, authoritative } = values
  return { host, port: Number(port), mailbox, shared, authoritative }
}

/** Prints a line for each attack; whether every answer was right. */
async function attack(sides: readonly [name: string, target: Target][]): Promise<boolean> {
  let right = true
  for (const [side, target] of sides) {
    print(`\n${side} (!: not as the table has it)`)
    for (const { kind, name, run, right: isRight } of attacks) {
      let fault = ''
      const replies = await run(target).catch((error: unknown) => {
        fault = errorText(error)
        return [fault]
      })
      const holds = fault === '' && isRight(replies)
      right &&= holds
      // of a message, the answer to its dot and what came behind it
      const ofMessage = kind === 'smuggling' || kind === 'loop fields'
      const told = ofMessage && replies.length > 4 ? replies.slice(3, 5) : replies.slice(-2)
      const last = told.join(' | ').slice(0, 110)
      print(`${holds ? ' ' : '!'} ${kind.padEnd(11)} ${name.padEnd(38)} ${last}`)
    }
  }
  return right
}

function print(line: string): void {
  // control characters that came back are shown, not obeyed
  const signs =
    // eslint-disable-next-line no-control-regex -- they are what it looks for
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
  console.log(line.replace(signs, '?'))
}

main()
  .then((right) => {
    if (!right) process.exitCode = 1
    return right
  })
  .catch((error: unknown) => {
    console.error(errorText(error))
    process.exitCode = 1
  })
