/**
 * Suites that need a server of Debian's packages. Where the server can be had, the suite is
 * registered and installs it first; elsewhere one printed line says what is left out. With CI=true
 * leaving out is a failure.
 */
import { installServer, whyUnavailable, type ServerName } from '../scripts/servers/debian.js'

const installTimeout = 300_000

/** `describe` for a suite that needs these servers. */
export function describeWithServers(
  names: readonly ServerName[],
  title: string,
  suite: (this: Mocha.Suite) => void,
): void {
  const reasons = names.map(whyUnavailable).filter((reason) => reason !== undefined)
  if (reasons.length === 0) {
    describe(title, function () {
      before(`install ${names.join(', ')}`, async function () {
        this.timeout(installTimeout)
        for (const name of names) await installServer(name)
      })
      suite.call(this)
    })
  } else if (process.env['CI'] === 'true') {
    describe(title, () => {
      it(`needs ${names.join(', ')}`, () => {
        throw new Error(reasons.join('; '))
      })
    })
  } else {
    console.log(`left out: ${title} (${reasons.join('; ')})`)
  }
}
