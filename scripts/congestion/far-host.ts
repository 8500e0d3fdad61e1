/** A host is 40 ms away (there and back). 60 clients have 600 messages for it. When has the last arrived? */
import { burst, inSeconds, Mail } from './mail.js'
import { forEachPack, measureInTurn, resultOf, type Scenario } from './scenario.js'

const domain = 'far.example'
const clients = 60
const eachWay = 20
const patience = 120

export const farHost: Scenario = {
  name: 'far-host',
  title: 'A host 40 ms away, 60 clients',
  about: 'until the last message has arrived',
  run: ({ messages = 600, ...options }) =>
    measureInTurn(options, [{ domain, limits: { latency: eachWay } }], async (field) => {
      const { gateway } = field
      const host = field.host(domain)
      const mail = new Mail(gateway, domain)
      const began = performance.now()
      await burst(mail, clients, messages)
      await mail.arrived(host, patience)
      const missing = mail.missing(host)
      const arrivals = [...host.memory.arrivals.values()].map(([at = 0]) => at)
      const end = missing > 0 ? performance.now() : Math.max(...arrivals)
      return {
        gateway: gateway.name,
        seconds: (end - began) / 1000,
        arrived: messages - missing,
        expected: messages,
        figures: {
          'messages a second': (((messages - missing) * 1000) / (end - began)).toFixed(0),
          'sessions at once': String(host.memory.peak),
          'sessions in all': String(host.memory.sessions),
        },
      }
    }),
  aims: (results) => {
    const most = resultOf(results, 'Postfix')?.seconds ?? Number.POSITIVE_INFINITY
    return forEachPack(results, ({ arrived, expected, seconds }) => ({
      text: `${arrived} of ${expected} after ${inSeconds(seconds)}; at most ${inSeconds(most)}`,
      reached: arrived === expected && seconds <= most,
    }))
  },
}
