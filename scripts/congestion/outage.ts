/**
 * A host is down for some minutes; 100 messages for it come meanwhile. How long after its return has
 * the last of them arrived?
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { inSeconds, Mail } from './mail.js'
import { forEachPack, measureAll, type Aim, type Scenario } from './scenario.js'

const domain = 'down.example'
const messages = 100
const patience = 600
const most = 30

export const outage: Scenario = {
  name: 'outage',
  title: 'An outage, and the return',
  about: 'from the return until all that waited has arrived',
  run: ({ seconds = 180, tell, ...options }) =>
    measureAll({ ...options, tell }, [{ domain }], async (field) => {
      const { gateway } = field
      const host = field.host(domain)
      await host.stop()
      const mail = new Mail(gateway, domain)
      const began = performance.now()
      for (let turn = 0; turn < messages; turn++) {
        void mail.send()
        await sleep(
          Math.max(0, began + ((turn + 1) * seconds * 1000) / messages - performance.now()),
        )
      }
      await mail.answered()
      await host.start()
      const back = performance.now()
      tell(`${gateway.name}: the host is back, ${await gateway.queued()} wait`)
      const wait = seconds < 60 ? 60 : patience
      await mail.arrived(host, wait)
      const missing = mail.missing(host)
      const arrivals = [...host.memory.arrivals.values()].map(([at = 0]) => at)
      const end = missing > 0 ? performance.now() : Math.max(...arrivals)
      return {
        gateway: gateway.name,
        seconds: (end - back) / 1000,
        arrived: messages - missing,
        expected: messages,
        figures: {
          'the first after': inSeconds((Math.min(...arrivals) - back) / 1000),
          'sessions at once': String(host.memory.peak),
        },
      }
    }),
  aims: (results) =>
    forEachPack(results, ({ arrived, expected, seconds, figures }): Aim[] => [
      {
        text: `${arrived} of ${expected} within ${inSeconds(seconds)} of the return; at most ${most} s`,
        reached: arrived === expected && seconds <= most,
      },
      {
        text: `${figures['sessions at once']} sessions at once; at most 20`,
        reached: Number(figures['sessions at once']) <= 20,
      },
    ]),
}
