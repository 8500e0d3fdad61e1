/**
 * Loaded into a test's Haraka by `node --require`: makes delivery's patience seconds instead of
 * minutes, so that hosts that never answer can be tested. The constants are patched before anything
 * has read them; the package itself has no switch for this.
 */
const { join } = require('node:path')

const delivery = join(process.env.TEST_PACKAGE, 'delivery')
const timeouts = require(join(delivery, 'smtp', 'timeouts.js'))
const seconds = { connect: 1, greeting: 2, hello: 2, mail: 2, rcpt: 2, data: 2, block: 2, final: 3 }
const short = Object.fromEntries(
  Object.entries(seconds).map(([name, value]) => [name, value * 1000]),
)
timeouts.directTimeouts = short
timeouts.rfcTimeouts = short
Object.assign(require(join(delivery, 'direct.js')).directPatience, { least: 3000, most: 6000 })
Object.assign(require(join(delivery, 'hosts', 'schedule.js')).waits, { uncertain: 2000 })
