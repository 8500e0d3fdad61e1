/** A TCP port that nothing listens on at this moment, for servers on loopback addresses. */
import { createServer, type AddressInfo } from 'node:net'

/** The preferred port if it is free, else any; rejects if the address is not this machine's. */
export async function freePort(host: string, preferred = 0): Promise<number> {
  try {
    return await tryPort(host, preferred)
  } catch (error) {
    if (preferred === 0) throw error
    return tryPort(host, 0)
  }
}

function tryPort(host: string, wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(wanted, host, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
