/** What a gateway answers to RCPT for many addresses, over some connections. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import type { GatewayProcess } from '../../plugins/stage/gateway-process.js'
import { SmtpClient } from '../../plugins/stage/smtp-client.js'
import { range, say } from './people.js'

const connections = 4

/** The replies to RCPT, over some connections. */
async function codes(gateway: GatewayProcess, addresses: readonly string[]): Promise<number[]> {
  const found: number[] = []
  const each = async (first: number): Promise<void> => {
    for (let at = first * 100; at < addresses.length; at += connections * 100) {
      const client = await SmtpClient.connect(gateway)
      await client.ehlo()
      await client.mail('sender@client.example')
      for (const [index, address] of addresses.slice(at, at + 100).entries()) {
        found[at + index] = (await client.rcpt(address)).code
      }
      await client.quit()
    }
  }
  await Promise.all(range(0, connections).map(each))
  return found
}

export async function expectAll(
  gateway: GatewayProcess,
  code: number,
  addresses: readonly string[],
  what: string,
): Promise<void> {
  const started = performance.now()
  const found = await codes(gateway, addresses)
  const wrong = addresses.filter((_, index) => found[index] !== code)
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${addresses.length} are not ${code}`)
  const seconds = (performance.now() - started) / 1000
  say(
    `${what}: ${addresses.length} addresses, every one ${code} (${Math.round(addresses.length / seconds)} a second)`,
  )
}

/** Seconds until all are answered so. */
export async function secondsUntil(
  gateway: GatewayProcess,
  expected: readonly (readonly [code: number, addresses: readonly string[]])[],
): Promise<number> {
  const started = performance.now()
  for (;;) {
    let open = 0
    for (const [code, addresses] of expected) {
      const found = await codes(gateway, addresses)
      open += found.filter((one) => one !== code).length
    }
    const seconds = (performance.now() - started) / 1000
    if (open === 0) return seconds
    assert.ok(seconds < 300, `${open} addresses are not as expected after ${seconds} s`)
    await sleep(500)
  }
}
