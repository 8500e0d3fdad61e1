/**
 * Loaded into a test's Haraka by `node --require`: collects garbage every 20 ms and adds a line to the
 * file LIVE_MEMORY with the octets that are still in use. What a process has from the system would say
 * more about when Node collects than about what the code keeps.
 */
const { appendFileSync } = require('node:fs')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

setInterval(() => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  appendFileSync(process.env.LIVE_MEMORY, `${heapUsed + external}\n`)
}, 20).unref()
