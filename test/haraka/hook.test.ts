import assert from 'node:assert/strict'

import {
  returnCodes,
  type HarakaConnection,
  type HarakaPlugin,
} from '../../plugins/haraka/haraka.js'
import { hook } from '../../plugins/haraka/hook.js'
import { accept, carryOn, refuse, type HookAnswer } from '../../plugins/haraka/replies.js'

type Handler = () => HookAnswer | Promise<HookAnswer>

/** Runs a hook of the handler as Haraka would; the answers, and what was logged. */
async function run(handler: Handler, seconds = 5, timeout = 30) {
  const log: string[] = []
  const plugin = { timeout, logcrit: (text: string) => log.push(text) } as unknown as HarakaPlugin
  const answers: { code: number | undefined; reply: string | undefined }[] = []
  await new Promise<void>((resolve) => {
    hook('rcpt', seconds, handler).call(
      plugin,
      (code, message) => {
        const reply = typeof message === 'object' ? String(message.reply) : message
        answers.push({ code, reply })
        resolve()
      },
      {} as HarakaConnection,
      undefined,
    )
  })
  return { answers, log }
}

const temporary = { code: returnCodes.denySoft, reply: '4.3.0 temporary fault, try again later' }
const later = <T>(value: T, ms = 5): Promise<T> =>
  new Promise((resolve) => setTimeout(resolve, ms, value))

describe('hook', () => {
  const ok = accept({ code: 250, enhanced: '2.1.5', text: 'recipient ok' })
  const cases: [name: string, handler: Handler, answer: object][] = [
    ['carries on', () => carryOn, { code: undefined, reply: undefined }],
    ['accepts', () => ok, { code: returnCodes.ok, reply: '2.1.5 recipient ok' }],
    ['accepts later', () => later(ok), { code: returnCodes.ok, reply: '2.1.5 recipient ok' }],
    [
      'refuses for good',
      () => refuse({ code: 550, enhanced: '5.7.1', text: 'relaying denied' }),
      { code: returnCodes.deny, reply: '5.7.1 relaying denied' },
    ],
    [
      'refuses for now',
      () => refuse({ code: 450, enhanced: '4.4.3', text: 'address lookup failed' }),
      { code: returnCodes.denySoft, reply: '4.4.3 address lookup failed' },
    ],
    [
      'answers a throw with 450 4.3.0',
      () => {
        throw new Error('broken')
      },
      temporary,
    ],
    ['answers a rejection with 450 4.3.0', () => Promise.reject(new Error('broken')), temporary],
  ]
  for (const [name, handler, answer] of cases) {
    it(name, async () => assert.deepEqual((await run(handler)).answers, [answer]))
  }

  it('answers within its deadline, once, whatever comes later', async () => {
    const late = later(ok, 60)
    const { answers, log } = await run(() => late, 0.02)
    await late
    await later(undefined)
    assert.deepEqual(answers, [temporary])
    assert.match(log.join(), /took longer than 0\.02 seconds/u)
  })

  it('stays below the time-out of its plugin', async () => {
    const { log } = await run(() => new Promise(() => {}), 60, 0.03)
    assert.match(log.join(), /took longer than 0\.027 seconds/u)
  })

  it('logs where a fault is', async () => {
    const { log } = await run(() => Promise.reject(new Error('broken')))
    assert.match(log.join(), /hook rcpt failed: Error: broken\n\s+at /u)
  })

  it('never rejects for what Haraka does behind next', async () => {
    const log: string[] = []
    const plugin = { timeout: 30, logcrit: (text: string) => log.push(text) }
    hook('rcpt', 5, () => Promise.resolve(ok)).call(
      plugin as unknown as HarakaPlugin,
      () => {
        throw new Error('in Haraka')
      },
      {} as HarakaConnection,
      undefined,
    )
    await later(undefined, 20)
    assert.match(log.join(), /in Haraka/u)
  })
})
