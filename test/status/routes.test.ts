/** The status server as a client sees it, over a socket of its own; nothing of Haraka behind it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../plugins/stage/free-port.js'
import { readAssets } from '../../plugins/status/assets.js'
import { HttpServer } from '../../plugins/status/http-server.js'
import { html } from '../../plugins/status/page/html.js'
import type { QueueAction } from '../../plugins/status/queue-source.js'
import { answer } from '../../plugins/status/routes.js'
import { Token } from '../../plugins/status/token.js'
import type { StatusView } from '../../plugins/status/view.js'
import { tempDir } from '../harness/temp.js'
import { now, sampleView, view } from './sample-view.js'

const secret = '0123456789abcdef0123'
const bearer = { Authorization: `Bearer ${secret}` }
// a request that came through a proxy counts as one from elsewhere
const elsewhere = { 'X-Forwarded-For': '192.0.2.9' }

describe('the status server', () => {
  let server: HttpServer
  let url: string
  let shown: StatusView
  const log: string[] = []
  const acted: [QueueAction, string][] = []

  async function start(withToken: boolean): Promise<void> {
    const port = await freePort('127.0.0.1')
    const listen = { kind: 'port', host: '127.0.0.1', port } as const
    const dir = tempDir('status')
    writeFileSync(join(dir, 'token'), `${secret}\n`, { mode: 0o600 })
    const served = {
      gateway: 'gateway.example',
      listen,
      token: withToken ? new Token(dir, 'token') : undefined,
      assets: readAssets(),
      look: () => Promise.resolve(shown),
      metrics: () => Promise.resolve('address_space_info 1\n'),
      explain: (address: string) => Promise.resolve(html`<p>${address} explained</p>`),
      traces: true,
      trace: (what: string) => Promise.resolve(html`<p>${what} traced</p>`),
      stories: () => Promise.resolve([]),
      act: (action: QueueAction, by: string) => {
        acted.push([action, by])
        return Promise.resolve('It is done.')
      },
    }
    const say = (line: string): void => void log.push(line)
    const all = { debug: say, info: say, notice: say, warn: say, error: say, crit: say }
    server = new HttpServer(listen, all, (asked) => answer(served, asked))
    await server.start()
    url = `http://127.0.0.1:${port}`
  }

  beforeEach(async () => {
    shown = sampleView
    log.length = 0
    acted.length = 0
    await start(true)
  })
  afterEach(() => server.close())

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(url + path, { headers, redirect: 'manual' })
  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { Origin: url, ...headers },
      redirect: 'manual',
    })

  it('shows the page, with headers that let nothing else in', async () => {
    const response = await get('/')
    assert.equal(response.status, 200)
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.match(policy, /^default-src 'none';.*frame-ancestors 'none'$/u)
    assert.doesNotMatch(policy, /unsafe|https?:|\*/u)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.match(await response.text(), /connector unix/u)
  })

  for (const path of [
    '/',
    '/metrics',
    '/status.json',
    '/healthz/ready',
    '/explain?address=a@b.example',
    '/trace?what=x',
    '/trace.json?what=x',
    '/nowhere',
  ]) {
    it(`tells nothing of ${path} from elsewhere, unless the token comes along`, async () => {
      const refused = await get(path, elsewhere)
      assert.equal(refused.status, 401)
      const text = await refused.text()
      for (const word of ['example', 'unix', 'corp', 'address_space'])
        assert.ok(!text.includes(word))
      const wrong = await get(path, { ...elsewhere, Authorization: 'Bearer 0123456789abcdef0124' })
      assert.equal(wrong.status, 401)
      const shownTo = await get(path, { ...elsewhere, ...bearer })
      assert.equal(shownTo.status, path === '/nowhere' ? 404 : 200)
    })
  }

  it('acts for a session that a sign-in has opened, and no more after the sign-out', async () => {
    const signedIn = await post('/session', { token: secret })
    assert.equal(signedIn.status, 303)
    const cookie = signedIn.headers.get('set-cookie') ?? ''
    assert.match(cookie, /; HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/u)
    const session = { Cookie: cookie.split(';')[0] ?? '' }

    const form = { do: 'pause', place: 'connector:unix', reason: 'maintenance', for: '2h' }
    const done = await post('/queue', form, session)
    assert.equal(done.status, 303)
    assert.equal(done.headers.get('location'), '/?told=It%20is%20done.')
    assert.deepEqual(acted, [
      [
        { do: 'pause', place: 'connector:unix', reason: 'maintenance', for: 7_200_000 },
        'status page, from 127.0.0.1',
      ],
    ])
    await post('/session/end', {}, session)
    assert.equal((await post('/queue', form, session)).status, 403)
    assert.equal(acted.length, 1)
  })

  const refusals: [string, Record<string, string>][] = [
    ['without a token', { Origin: 'self' }],
    ['with a wrong token', { Origin: 'self', Authorization: 'Bearer xxxxxxxxxxxxxxxxxxxx' }],
    ['with a session that is none', { Origin: 'self', Cookie: 'address_space_status=made-up' }],
    ['from another page', { ...bearer, Origin: 'http://evil.example' }],
    ['from a page that hides where it is', { ...bearer, Origin: 'null' }],
    ['without an Origin', { ...bearer }],
  ]
  for (const [title, headers] of refusals) {
    it(`does nothing ${title}`, async () => {
      const { Origin: origin, ...rest } = headers
      const response = await fetch(`${url}/queue`, {
        method: 'POST',
        body: new URLSearchParams({ do: 'retry', place: 'connector:unix' }),
        headers: {
          ...rest,
          ...(origin !== undefined && { Origin: origin === 'self' ? url : origin }),
        },
      })
      assert.equal(response.status, 403)
      assert.deepEqual(acted, [])
    })
  }

  it('lets nobody sign in from another page or with another token', async () => {
    assert.equal(
      (await post('/session', { token: secret }, { Origin: 'http://x.example' })).status,
      403,
    )
    for (const token of ['', 'wrong', `${secret}x`, secret.slice(1)]) {
      const response = await post('/session', { token })
      assert.equal(response.status, 403)
      assert.equal(response.headers.get('set-cookie'), null)
    }
  })

  it('says what is missing of an action', async () => {
    const forms = [
      [{ do: 'pause', place: 'connector:unix' }, /say why/u],
      [{ do: 'pause', place: 'connector:unix', reason: 'x', for: 'soon' }, /30m or 2h/u],
      [{ do: 'delete', place: 'connector:unix' }, /expected retry/u],
      [{ do: 'retry' }, /expected a place/u],
    ] as const
    for (const [form, words] of forms) {
      const response = await post('/queue', form, bearer)
      assert.equal(response.status, 400)
      assert.match(await response.text(), words)
    }
    assert.deepEqual(acted, [])
  })

  it('offers no actions where there is no token', async () => {
    server.close()
    await start(false)
    assert.equal((await get('/', elsewhere)).status, 403)
    const text = await (await get('/')).text()
    assert.doesNotMatch(text, /<form method="post"/u)
    assert.equal((await post('/queue', { do: 'retry', place: 'x' })).status, 403)
  })

  it('is ready, or says why it is not', async () => {
    const ready = async () => {
      const response = await get('/healthz/ready')
      return `${response.status} ${(await response.text()).trim()}`
    }
    assert.equal(await ready(), '200 ok')
    // sampleView has a host that is down; that a directory is down does not count either
    shown = view({ draining: { since: now } })
    assert.equal(await ready(), '503 drained for maintenance')
    assert.equal((await get('/healthz/live')).status, 200)
    shown = view({ disk: { folder: '/q', free: 10, size: 1000, floor: 50 } })
    assert.equal(await ready(), '503 the disk of the queue is full')
    shown = view({ processes: { expected: 2, answering: 0, started: now } })
    assert.equal(await ready(), '503 no process answers')
    assert.equal((await get('/healthz/live')).status, 503)
  })

  it('writes what it is asked as text, never as markup', async () => {
    const response = await get(`/explain?address=${encodeURIComponent('"<script>"@x.example')}`)
    const text = await response.text()
    assert.ok(text.includes('&quot;&lt;script&gt;&quot;@x.example explained'))
    assert.doesNotMatch(text, /<script>/u)
  })

  it('takes no long forms, no other methods, and no more requests than it can', async () => {
    assert.equal((await post('/queue', { place: 'x'.repeat(10_000) }, bearer)).status, 413)
    assert.equal((await fetch(`${url}/`, { method: 'DELETE' })).status, 405)
    const statuses = await Promise.all(
      Array.from({ length: 80 }, async () => (await get('/')).status),
    )
    assert.ok(statuses.filter((status) => status === 200).length >= 10, String(statuses))
    assert.ok(statuses.includes(429))
    assert.equal((await get('/healthz/ready')).status, 200)
    const checks = await Promise.all(
      Array.from({ length: 300 }, async () => (await get('/healthz/ready')).status),
    )
    assert.ok(checks.filter((status) => status === 200).length >= 50, String(checks))
    assert.ok(checks.includes(429), 'a flood of checks is one, too')
  })
})
