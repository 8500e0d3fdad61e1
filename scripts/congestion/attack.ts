/**
 * A host ends each session after 20 errors (Postfix's default). Every second a stranger writes to 25
 * made-up recipients, and somebody honest to one who exists. Has the honest mail arrived within 5 s?
 */
import { everySecond, inSeconds, Mail } from './mail.js'
import { forEachPack, measureAll, type Result, type Scenario } from './scenario.js'

const domain = 'unix.example'
const recipients = 25
const inTime = 5

export const attack: Scenario = {
  name: 'attack',
  title: 'Error limit of 20, under attack',
  about: 'the slowest honest message',
  run: ({ seconds = 60, ...options }) =>
    measureAll(
      options,
      [
        {
          domain,
          limits: { errors: 20 },
          script: { rcpt: (to) => (to.startsWith('nobody') ? '550 5.1.1 unknown' : undefined) },
        },
      ],
      async ({ gateway, host }) => {
        const honest = new Mail(gateway, domain)
        const strangers = new Mail(gateway, domain)
        await everySecond(seconds, (turn) => {
          const to = Array.from({ length: recipients }, (_, at) => `nobody${turn}-${at}@${domain}`)
          void strangers.sendTo(to, `stranger${turn}@sender.example`)
          void honest.send('honest')
        })
        await honest.arrived(host(domain), inTime)
        return resultOf(gateway.name, honest.delays(host(domain)), seconds, {
          'sessions ended for errors': String(host(domain).memory.tooManyErrors),
          'sessions in all': String(host(domain).memory.sessions),
        })
      },
    ),
  aims: (results) =>
    forEachPack(results, ({ arrived, expected, seconds }) => ({
      text: `${arrived} of ${expected} honest messages within ${inTime} s, the slowest after ${inSeconds(seconds)}`,
      reached: arrived === expected,
    })),
}

function resultOf(
  gateway: Result['gateway'],
  delays: readonly number[],
  expected: number,
  figures: Result['figures'],
): Result {
  const good = delays.filter((delay) => delay <= inTime)
  const slowest = delays.length < expected ? Math.max(inTime, ...delays) : Math.max(0, ...delays)
  return { gateway, seconds: slowest, arrived: good.length, expected, figures }
}
