/** Answers of the last moment: for the same question of the same client, and no longer than a moment. */
import assert from 'node:assert/strict'

import type { Asked } from '../../plugins/status/http-server.js'
import { RecentAnswers } from '../../plugins/status/recent-answers.js'

const page: Asked = { method: 'GET', url: '/', headers: {}, remote: '127.0.0.1', body: '' }

describe('answers of the last moment', () => {
  let now = 1000
  let asked: Asked[]
  let answers: RecentAnswers

  beforeEach(() => {
    asked = []
    answers = new RecentAnswers(
      (one) => {
        asked.push(one)
        return Promise.resolve({ status: 200, type: 'text/plain', body: String(asked.length) })
      },
      () => now,
    )
  })

  const cases: readonly [what: string, second: Partial<Asked>, times: number][] = [
    ['the same', {}, 1],
    ['another path', { url: '/metrics' }, 2],
    ['a path that is asked each time', { url: '/explain?address=a@b.example' }, 2],
    ['another client', { remote: '192.0.2.1' }, 2],
    ['with a token', { headers: { authorization: 'Bearer x' } }, 2],
    ['from another page', { headers: { cookie: 'x=y' } }, 2],
  ]
  for (const [what, second, times] of cases) {
    it(`${what}: asked ${times === 1 ? 'once' : 'twice'}`, async () => {
      await answers.to(page)
      const { body } = await answers.to({ ...page, ...second })
      assert.deepEqual([asked.length, body], [times, String(times)])
    })
  }

  it('a trace is asked for each time', async () => {
    const trace = { ...page, url: '/trace?what=x' }
    await answers.to(trace)
    await answers.to(trace)
    assert.equal(asked.length, 2)
  })

  it('many at once: asked once', async () => {
    await Promise.all(Array.from({ length: 30 }, () => answers.to(page)))
    assert.equal(asked.length, 1)
  })

  it('half a second later it is asked again', async () => {
    await answers.to(page)
    now += 499
    await answers.to(page)
    assert.equal(asked.length, 1)
    now += 2
    await answers.to(page)
    assert.equal(asked.length, 2)
  })

  it('what was done is seen at once', async () => {
    await answers.to(page)
    await answers.to({ ...page, method: 'POST', url: '/queue', body: 'verb=pause' })
    assert.equal((await answers.to(page)).body, '3')
  })
})
