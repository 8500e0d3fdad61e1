/**
 * Loaded into a test's Haraka by `node --require`: a disk on which the first write or sync takes longer
 * than a client may wait for the final dot (short-waits.cjs: 6 s at most).
 */
const { open } = require('node:fs/promises')
const { setTimeout: sleep } = require('node:timers/promises')

let slow = true
void (async () => {
  const file = await open(__filename, 'r')
  const { prototype } = file.constructor
  for (const name of ['appendFile', 'sync']) {
    const method = prototype[name]
    prototype[name] = async function (...parameters) {
      if (slow) {
        slow = false
        await sleep(7000)
      }
      return method.apply(this, parameters)
    }
  }
  await file.close()
})()
