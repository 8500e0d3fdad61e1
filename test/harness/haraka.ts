/**
 * Real Haraka for tests: an install in a folder of its own, with the built package in it (built anew
 * first if a source is newer), on a free port of loopback.
 *
 *   const gateway = await startGateway({
 *     plugins: ['address-space/accepted-domains'],
 *     config: { 'accepted-domains.ini': 'shared = example.com' },
 *   })
 *   const outcome = await send(gateway, { from: 'a@client.example', to: ['b@example.com'] })
 *   await gateway.stop()
 *
 * The test stops what it starts; what is left is killed when mocha exits.
 */
import { buildIfStale, dist } from '../../scripts/build.js'
import { freePort } from '../../plugins/stage/free-port.js'
import { GatewayProcess } from '../../plugins/stage/gateway-process.js'
import { findHaraka, makeInstall, type InstallOptions } from '../../plugins/stage/staged-install.js'
import { tempDir } from './temp.js'

export { GatewayProcess } from '../../plugins/stage/gateway-process.js'
export { send, sampleMessage, SmtpClient, type Reply } from '../../plugins/stage/smtp-client.js'
export { Catcher } from '../../plugins/stage/catcher.js'

/** As for an install; 127.0.0.1 and any free port unless told. */
export type TestGatewayOptions = Omit<
  InstallOptions,
  'dir' | 'haraka' | 'packageDir' | 'host' | 'port'
> & { readonly host?: string; readonly port?: number; readonly env?: NodeJS.ProcessEnv }

let built: Promise<boolean> | undefined

/** An install that is not started yet. */
export async function makeGateway(options: TestGatewayOptions): Promise<GatewayProcess> {
  built ??= buildIfStale()
  await built
  const { host = '127.0.0.1', nodes = 0 } = options
  const port = options.port ?? (await freePort(host))
  const haraka = findHaraka([__dirname])
  const dir = tempDir('gateway')
  await makeInstall({ ...options, dir, haraka, packageDir: dist, host, port, nodes })
  return new GatewayProcess({
    dir,
    haraka,
    host,
    port,
    nodes,
    ...(options.env && { env: options.env }),
  })
}

/** A gateway that listens. Rejects with the end of its log if it does not come up. */
export async function startGateway(options: TestGatewayOptions): Promise<GatewayProcess> {
  const gateway = await makeGateway(options)
  await gateway.start()
  return gateway
}
