/**
 * A host takes 20 sessions from one client (Exchange's receive connectors), or 5, and answers each
 * final dot after 0.2 s. 60 clients have 180 messages for it. When has the last one arrived?
 */
import { burst, inSeconds, Mail } from './mail.js'
import { forEachPack, measureInTurn, resultOf, type Aim, type Scenario } from './scenario.js'

const domain = 'exchange.example'
const clients = 60
const slowDot = 200
const patience = 120
// a refusal, and what was under way with it; what is refused later was not learned from
const learning = 2000

export const sessions20 = sessions(20)
export const sessions5 = sessions(5)

function sessions(limit: number): Scenario {
  return {
    name: `sessions-${limit}`,
    title: `A host that takes ${limit} sessions, 60 clients`,
    about: 'until the last message has arrived',
    run: ({ messages = 180, ...options }) =>
      measureInTurn(options, [{ domain, limits: { sessions: limit, slowDot } }], async (field) => {
        const { gateway } = field
        const host = field.host(domain)
        const mail = new Mail(gateway, domain)
        const began = performance.now()
        await burst(mail, clients, messages)
        await mail.arrived(host, patience)
        const { memory } = host
        const arrivals = [...memory.arrivals.values()].map(([at = 0]) => at)
        const missing = mail.missing(host)
        const end = missing > 0 ? performance.now() : Math.max(...arrivals)
        const first = memory.refusedAt[0] ?? 0
        return {
          gateway: gateway.name,
          seconds: (end - began) / 1000,
          arrived: messages - missing,
          expected: messages,
          figures: {
            'sessions at once': String(memory.peak),
            'sessions refused': String(memory.refused),
            'refused once learned': String(
              memory.refusedAt.filter((at) => at > first + learning).length,
            ),
          },
        }
      }),
    aims: (results) => {
      const postfix = resultOf(results, 'Postfix')
      // what the sessions need at least, and as long again for sending it
      const least = ((postfix?.expected ?? 0) * slowDot) / 1000 / limit
      const most = limit < 20 ? 2 * least + 3 : (postfix?.seconds ?? Number.POSITIVE_INFINITY)
      return forEachPack(results, ({ arrived, expected, seconds, figures }): Aim[] => [
        {
          text: `${arrived} of ${expected} after ${inSeconds(seconds)}; at most ${inSeconds(most)}`,
          reached: arrived === expected && seconds <= most,
        },
        {
          text: `${figures['refused once learned']} sessions refused once the limit was learned`,
          reached: figures['refused once learned'] === '0',
        },
      ])
    },
  }
}
