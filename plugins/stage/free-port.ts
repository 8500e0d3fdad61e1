/**
 * A TCP port that nothing listens on at this moment, for servers on loopback addresses. It is below
 * the range that systems give to outgoing connections, so that a server that is stopped and started
 * again finds its port free.
 */
import { createServer } from 'node:net'

const lowest = 10_000
const highest = 32_000
const tries = 20

/** The preferred port if it is free, else any; rejects if the address is not this machine's. */
export async function freePort(host: string, preferred = 0): Promise<number> {
  if (preferred !== 0 && (await isFree(host, preferred))) return preferred
  for (let tried = 0; tried < tries; tried++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(host, port)) return port
  }
  throw new Error(`expected a free port of ${host}, found none in ${tries} tries`)
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
