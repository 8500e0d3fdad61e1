import assert from 'node:assert/strict'

import { parseOperationsConfig } from '../../plugins/operations/operations-config.js'
import { ConfigError } from '../../plugins/config/settings.js'

function read(...lines: string[]) {
  return parseOperationsConfig(lines).status
}

function errors(...lines: string[]): readonly string[] {
  try {
    parseOperationsConfig(lines)
  } catch (error) {
    if (error instanceof ConfigError) return error.errors
    throw error
  }
  return []
}

describe('address-space.ini', () => {
  it('listens on loopback when nothing is said', () => {
    const expected = {
      listen: { kind: 'port', host: '127.0.0.1', port: 9904 },
      tokenFile: '',
      peers: [],
    }
    assert.deepEqual(read(), expected)
    assert.deepEqual(read('[status]', 'listen ='), expected)
  })

  const listens: [string, unknown][] = [
    ['127.0.0.3:99', { kind: 'port', host: '127.0.0.3', port: 99 }],
    ['[::1]:9904', { kind: 'port', host: '::1', port: 9904 }],
    ['/run/haraka/status.sock', { kind: 'socket', path: '/run/haraka/status.sock' }],
  ]
  for (const [text, expected] of listens) {
    it(`listen = ${text}`, () => {
      assert.deepEqual(read('[status]', `listen = ${text}`).listen, expected)
    })
  }

  for (const text of [
    '9904',
    'localhost:9904',
    '::1:9904',
    '[127.0.0.1]:1',
    '127.0.0.1:0',
    '1.2.3.4:70000',
  ]) {
    it(`listen = ${text} is an error that says what is expected`, () => {
      assert.deepEqual(errors('[status]', `listen = ${text}`), [
        `address-space.ini [status] listen: expected an IP address and port such as 127.0.0.1:9904, or the path of a socket such as /run/haraka/status.sock, got \`${text}\``,
      ])
    })
  }

  for (const host of ['0.0.0.0', '192.0.2.1', '[::]', '[2001:db8::1]']) {
    it(`refuses to listen on ${host} without a token, and does it with one`, () => {
      const listen = `listen = ${host}:9904`
      assert.deepEqual(errors('[status]', listen), [
        `address-space.ini [status] token_file: expected a token, since others than this machine can reach ${host}:9904, got nothing`,
      ])
      assert.equal(read('[status]', listen, 'token_file = status.token').tokenFile, 'status.token')
    })
  }

  it('tells all errors at once', () => {
    assert.deepEqual(errors('x = 1', '[status]', 'peers = gateway2', 'color = red', '[pages]'), [
      'address-space.ini x: unknown key; expected a section before it',
      'address-space.ini [pages]: unknown section; expected one of [journal], [status]',
      'address-space.ini [status] peers: expected addresses such as http://192.0.2.2:9904, got `gateway2`',
      'address-space.ini [status] color: unknown key; expected one of listen, peers, token_file',
    ])
  })

  it('reads the other gateways', () => {
    const { peers } = read('[status]', 'peers = http://192.0.2.2:9904/, https://gw3.example')
    assert.deepEqual(peers, ['http://192.0.2.2:9904', 'https://gw3.example'])
  })
})
