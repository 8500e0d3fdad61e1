import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'

import { bearerToken, cookie, mayRead, sameSecret, whyNotAct } from '../../plugins/status/access.js'
import type { Listen } from '../../plugins/operations/operations-config.js'

const loopback: Listen = { kind: 'port', host: '127.0.0.1', port: 9904 }
const open: Listen = { kind: 'port', host: '192.0.2.1', port: 9904 }

describe('who may read the status page', () => {
  const cases: [string, string | undefined, IncomingHttpHeaders, boolean][] = [
    ['this machine', '127.0.0.1', { host: '127.0.0.1:9904' }, true],
    ['this machine by name', '127.0.0.1', { host: 'localhost:9904' }, true],
    ['this machine over IPv6', '::1', { host: '[::1]:9904' }, true],
    ['this machine, mapped', '::ffff:127.0.0.1', { host: '127.0.0.1' }, true],
    ['HTTP/1.0 without a host', '127.0.0.1', {}, true],
    ['the socket', undefined, { host: 'status' }, true],
    ['another machine', '192.0.2.9', { host: '192.0.2.1:9904' }, false],
    ['another machine that claims to be this one', '192.0.2.9', { host: '127.0.0.1' }, false],
    ['through a proxy', '127.0.0.1', { host: 'localhost', 'x-forwarded-for': '192.0.2.9' }, false],
    ['through the socket and a proxy', undefined, { forwarded: 'for=192.0.2.9' }, false],
    ['a stranger’s name that leads here', '127.0.0.1', { host: 'evil.example:9904' }, false],
    ['a name that begins like ours', '127.0.0.1', { host: '127.0.0.1.evil.example' }, false],
  ]
  for (const [title, remote, headers, expected] of cases) {
    it(`${title}: ${expected ? 'yes' : 'no'}, and with the token: yes`, () => {
      assert.equal(mayRead({ remote, headers, known: false }, loopback), expected)
      assert.equal(mayRead({ remote, headers, known: true }, loopback), true)
    })
  }

  it('this machine by the address that it listens on', () => {
    const headers = { host: '192.0.2.1:9904' }
    assert.equal(mayRead({ remote: '127.0.0.1', headers, known: false }, open), true)
  })
})

describe('who may act', () => {
  const host = 'gateway.example:9904'
  const cases: [string, boolean, string | undefined, boolean][] = [
    ['with the token, from the page', true, 'http://gateway.example:9904', true],
    ['with the token, from the page behind TLS', true, 'https://gateway.example:9904', true],
    ['without the token', false, 'http://gateway.example:9904', false],
    ['from another page', true, 'http://evil.example', false],
    ['from another port', true, 'http://gateway.example:80', false],
    ['from a page that hides where it is', true, 'null', false],
    ['without an Origin', true, undefined, false],
    ['with something else as Origin', true, 'gateway.example:9904', false],
  ]
  for (const [title, known, origin, expected] of cases) {
    it(`${title}: ${expected ? 'yes' : 'no'}`, () => {
      const headers = { host, ...(origin !== undefined && { origin }) }
      const why = whyNotAct({ remote: '127.0.0.1', headers, known })
      assert.equal(why === undefined, expected, why)
    })
  }
})

describe('tokens and cookies', () => {
  it('are read out of their headers', () => {
    assert.equal(bearerToken({ authorization: 'Bearer abc' }), 'abc')
    assert.equal(bearerToken({ authorization: 'Basic abc' }), undefined)
    assert.equal(bearerToken({}), undefined)
    assert.equal(cookie({ cookie: 'a=1; session=x' }, 'session'), 'x')
    assert.equal(cookie({ cookie: 'xsession=x' }, 'session'), undefined)
    assert.equal(cookie({}, 'session'), undefined)
  })

  it('are compared whole, whatever their lengths', () => {
    assert.equal(sameSecret('abc', 'abc'), true)
    for (const other of ['abd', 'ab', 'abcd', '']) assert.equal(sameSecret(other, 'abc'), false)
  })
})
