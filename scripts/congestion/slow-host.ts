/**
 * 150 messages wait for a host that needs 5 s for each. Every second one goes to another host that is
 * well, by way of the queue too. How long does the slowest of those take?
 */
import { burst, everySecond, inSeconds, Mail } from './mail.js'
import { forEachPack, measureAll, type Scenario } from './scenario.js'

const [slow, fast] = ['slow.example', 'fast.example'] as const
const backlog = 150
const clients = 30

export const slowHost: Scenario = {
  name: 'slow-host',
  title: 'A slow host with a backlog of 150, beside a fast one',
  about: 'the slowest message to the fast host',
  run: ({ seconds = 20, ...options }) =>
    measureAll(
      options,
      [
        { domain: slow, queued: true, limits: { slowDot: 5000 } },
        { domain: fast, queued: true },
      ],
      async ({ gateway, host }) => {
        await burst(new Mail(gateway, slow), clients, backlog)
        const others = new Mail(gateway, fast)
        await everySecond(seconds, () => void others.send())
        await others.arrived(host(fast), 60)
        const delays = others.delays(host(fast))
        return {
          gateway: gateway.name,
          seconds: delays.length < seconds ? 60 : Math.max(0, ...delays),
          arrived: delays.length,
          expected: seconds,
          figures: {
            'sessions with the slow host': String(host(slow).memory.peak),
            'still waiting for it': String(await gateway.queued()),
          },
        }
      },
    ),
  aims: (results) =>
    forEachPack(results, ({ arrived, expected, seconds }) => ({
      text: `the slowest to the fast host after ${inSeconds(seconds)}; at most 1 s`,
      reached: arrived === expected && seconds <= 1,
    })),
}
