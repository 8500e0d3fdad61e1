/** A host that refuses this gateway is a problem on the status page, in `check`'s words. */
import assert from 'node:assert/strict'

import { makeReply } from '../../plugins/delivery/smtp/smtp-reply.js'
import { problemsOf } from '../../plugins/status/problems.js'

describe('what hosts say about recipients, on the status page', () => {
  it('refuses all is wrong, takes all worth a look, tells apart nothing', () => {
    const answer = {
      about: 'us',
      reply: makeReply(550, ['5.7.64 TenantAttribution']),
      milliseconds: 1,
    } as const
    const asked = { host: 'h', domain: 'd.example' }
    const problems = problemsOf({
      at: 0,
      gateway: 'mx',
      version: '0',
      processes: { expected: 1, answering: 1, started: 0 },
      configuration: { since: 0 },
      domains: [],
      directories: [],
      places: [],
      flows: [],
      beliefs: [
        { ...asked, connector: 'a', belief: { kind: 'tells apart', tarpit: 0 } },
        { ...asked, connector: 'b', belief: { kind: 'takes all' } },
        { ...asked, connector: 'c', belief: { kind: 'refuses all', answer } },
      ],
      kept: 0,
      certificates: [],
      journal: { on: false, dropped: 0 },
      peers: [],
    })
    assert.deepEqual(
      problems.map(({ kind, where }) => `${kind} ${where}`),
      ['wrong connector c', 'note connector b'],
    )
    assert.match(problems[0]?.todo ?? '', /inbound connector/u)
  })
})
