/** A gateway whose directory is the one under test, for the tests over SMTP. */
import assert from 'node:assert/strict'

import {
  Catcher,
  SmtpClient,
  startGateway,
  type GatewayProcess,
  type Reply,
} from '../harness/haraka.js'

export interface DirectoryGateway {
  readonly gateway: GatewayProcess
  /** the system behind the contacts, for the domain remote.domain */
  readonly remote: Catcher
  /** the reply to RCPT, which must come within `limit` milliseconds */
  rcpt(address: string): Promise<Reply>
  stop(): Promise<void>
}

const plugins = [
  'address-space/accepted-domains',
  'address-space/contacts',
  'address-space/connectors',
]

/**
 * Starts it. `example.com` is authoritative: an unknown address is refused for good, so a wrong
 * "unknown" shows. `limit` is what a client may wait at most.
 */
export async function startDirectoryGateway(
  directoryIni: readonly string[],
  limit: number,
  remoteHost = '127.0.0.3',
): Promise<DirectoryGateway> {
  const remote = await Catcher.start({ host: remoteHost })
  const gateway = await startGateway({
    plugins,
    config: {
      'accepted-domains.ini': [
        'authoritative = example.com, xo.one',
        'postmaster = user0@example.com',
        'recipient_delimiter =',
        '[harvesting]\ndelay = 0\nreject_after = 0',
      ].join('\n'),
      'directory.ini': `${directoryIni.join('\n')}\n`,
      'connectors.ini': `[remote]\naddress_spaces = remote.domain\nsmart_hosts = ${remote.smartHost}\nallow_relay = true\n`,
    },
  }).catch(async (error: unknown) => {
    await remote.stop()
    throw error
  })
  return {
    gateway,
    remote,
    rcpt: async (address) => {
      const client = await SmtpClient.connect(gateway)
      try {
        await client.ehlo()
        await client.mail('sender@client.example')
        const started = performance.now()
        const reply = await client.rcpt(address)
        const took = performance.now() - started
        assert(took < limit, `${address} waited ${Math.round(took)} ms for ${reply.text}`)
        return reply
      } finally {
        await client.quit()
      }
    },
    stop: async () => {
      await gateway.stop()
      await remote.stop()
    },
  }
}
