/** The HTTP server of the status page: its port, its socket, and clients that ask too often. */
import assert from 'node:assert/strict'
import { linkSync, renameSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { freePort } from '../../plugins/stage/free-port.js'
import type { Listen } from '../../plugins/operations/operations-config.js'
import { HttpServer } from '../../plugins/status/http-server.js'
import { tempDir } from '../harness/temp.js'

describe('the HTTP server of the status page', () => {
  let server: HttpServer | undefined
  const log: string[] = []

  async function start(listen: Listen, retryInterval: number): Promise<void> {
    const say = (line: string): void => void log.push(line)
    const all = { debug: say, info: say, notice: say, warn: say, error: say, crit: say }
    const handler = () => Promise.resolve({ status: 200, type: 'a/b', body: '' })
    server = new HttpServer(listen, all, handler, { retryInterval })
    await server.start()
  }

  beforeEach(() => {
    log.length = 0
  })
  afterEach(() => server?.close())

  it('who asks too often on connections of his own hears 429; checks of health are answered', async () => {
    const port = await freePort('127.0.0.1')
    await start({ kind: 'port', host: '127.0.0.1', port }, 200)
    const fresh = (path: string, method = 'GET'): Promise<number> =>
      new Promise((resolve, reject) => {
        request(`http://127.0.0.1:${port}${path}`, { agent: false, method }, (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        })
          .on('error', reject)
          .end()
      })
    const pages = await Promise.all(Array.from({ length: 100 }, () => fresh('/')))
    assert.deepEqual(new Set(pages), new Set([200, 429]))
    assert.ok(pages.filter((status) => status === 200).length <= 40, String(pages))
    // while pages are asked for too often
    const both = ['GET /', 'POST /queue', 'HEAD /healthz/live', 'GET /healthz/ready']
    const asked = Array.from({ length: 80 }, (_, at) => both[at % both.length] ?? '')
    const statuses = await Promise.all(
      asked.map((one) => {
        const [method, path = ''] = one.split(' ')
        return fresh(path, method)
      }),
    )
    const checks = statuses.filter((_, at) => asked[at]?.includes('/healthz/'))
    assert.deepEqual([...new Set(checks)], [200])
    assert.ok(statuses.includes(429), String(statuses))
  })

  it('says that its port is taken, and takes it when it is free', async function () {
    this.timeout(20_000)
    const port = await freePort('127.0.0.1')
    const other = createServer().listen(port, '127.0.0.1')
    const listen = { kind: 'port', host: '127.0.0.1', port } as const
    await start(listen, 200)
    assert.deepEqual(log, [
      `the status page cannot listen on 127.0.0.1:${port}: another program listens there already; mail goes on, it is tried again every 0.2 seconds`,
    ])
    other.close()
    await waitFor(() => log.length > 1)
    assert.equal(log[1], `the status page listens on 127.0.0.1:${port}`)
  })

  it('takes a socket that a killed process left', async () => {
    const path = join(tempDir('status'), 'socket')
    const listen = { kind: 'socket', path } as const
    const left = createServer().listen(path)
    await new Promise((resolve) => left.once('listening', resolve))
    // a server that is closed removes its socket; a killed one does not
    linkSync(path, `${path}.left`)
    await new Promise((resolve) => left.close(resolve))
    renameSync(`${path}.left`, path)
    await start(listen, 50)
    await waitFor(() => log.some((line) => line.includes('listens on')))
  })
})

async function waitFor(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < end, 'it did not happen in time')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
