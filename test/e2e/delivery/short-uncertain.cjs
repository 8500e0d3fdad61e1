/**
 * Loaded into a test's Haraka by `node --require`: a message whose answer got lost is tried again after
 * two seconds instead of ten minutes. The constant is patched before anything has read it; the package
 * itself has no switch for this.
 */
const { join } = require('node:path')

const { waits } = require(join(process.env.TEST_PACKAGE, 'delivery', 'hosts', 'schedule.js'))
Object.assign(waits, { uncertain: 2000 })
