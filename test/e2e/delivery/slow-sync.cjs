/**
 * Loaded into a test's Haraka by `node --require`: a disk on which the first sync takes longer than a
 * client may wait for the final dot (short-waits.cjs: 6 s at most).
 */
const { open } = require('node:fs/promises')
const { setTimeout: sleep } = require('node:timers/promises')

let slow = true
void (async () => {
  const file = await open(__filename, 'r')
  const { prototype } = file.constructor
  const { sync } = prototype
  prototype.sync = async function () {
    if (slow) {
      slow = false
      await sleep(7000)
    }
    return sync.call(this)
  }
  await file.close()
})()
