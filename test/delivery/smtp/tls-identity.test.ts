import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type Server } from 'node:tls'

import { makeCertificates } from '../../../scripts/servers/certificates.js'
import { TlsIdentities, readTlsContext } from '../../../plugins/delivery/smtp/tls-identity.js'
import { testEnvironment } from '../../directory/environment.js'
import { tempDir } from '../../harness/temp.js'
import { describeWithServers } from '../../servers.js'

const files = { certFile: 'gate.pem', keyFile: 'gate.key', caFile: '' }

describeWithServers(['openssl'], 'who we are to a host', () => {
  const dir = tempDir('tls-identity')
  const one = join(dir, 'one')
  const two = join(dir, 'two')
  const place = (from: string, what: 'pem' | 'key', at: number): void => {
    const to = join(dir, `gate.${what}`)
    copyFileSync(join(from, `server.${what}`), to)
    utimesSync(to, at, at)
  }

  before(async () => {
    for (const folder of [one, two]) {
      mkdirSync(folder)
      await makeCertificates(folder)
    }
  })

  it('names the file that is wrong', () => {
    place(one, 'pem', 1)
    place(two, 'key', 1)
    writeFileSync(join(dir, 'text'), 'no certificate\n')
    const cases: [options: Partial<typeof files>, message: RegExp][] = [
      [{}, /^Error: tls_key_file: expected the key of the certificate in PEM, got .*gate\.key/u],
      [{ certFile: 'gone.pem' }, /^Error: tls_cert_file: expected a file in PEM, got ENOENT/u],
      [{ certFile: 'text' }, /^Error: tls_cert_file: expected a certificate in PEM, got .*text/u],
      [{ keyFile: 'text' }, /^Error: tls_key_file: expected the key/u],
      [{ caFile: 'text' }, /^Error: tls_ca_file: expected certificates in PEM/u],
      [{ certFile: '', keyFile: '', caFile: 'gone' }, /^Error: tls_ca_file: .* ENOENT/u],
    ]
    for (const [options, message] of cases) {
      assert.throws(() => readTlsContext(dir, { ...files, ...options }), message)
    }
  })

  describe('whose word counts', () => {
    let server: Server
    const former = process.env['SSL_CERT_FILE']
    const restore = (): void => {
      if (former === undefined) delete process.env['SSL_CERT_FILE']
      else process.env['SSL_CERT_FILE'] = former
    }

    before(async () => {
      const read = (name: string): string => readFileSync(join(one, name), 'utf8')
      server = createServer({ cert: read('server.pem'), key: read('server.key') })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    })
    afterEach(restore)
    after(() => {
      server.close()
    })

    /** How a host with a certificate of the first authority is judged. */
    const judged = async (caFile: string): Promise<boolean> => {
      const identities = new TlsIdentities(testEnvironment(dir))
      const { context } = identities.of({ certFile: '', keyFile: '', caFile })
      const { port } = server.address() as AddressInfo
      const socket = connect({
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        secureContext: context,
        rejectUnauthorized: false,
      })
      await once(socket, 'secureConnect')
      socket.destroy()
      return socket.authorized
    }

    it("is the system's", async () => {
      process.env['SSL_CERT_FILE'] = join(one, 'ca.pem')
      assert.equal(await judged(''), true)
      process.env['SSL_CERT_FILE'] = join(two, 'ca.pem')
      assert.equal(await judged(''), false)
    })

    it('is that of tls_ca_file alone, where it is said', async () => {
      process.env['SSL_CERT_FILE'] = join(one, 'ca.pem')
      assert.equal(await judged(join(two, 'ca.pem')), false)
      restore()
      assert.equal(await judged(join(one, 'ca.pem')), true)
    })
  })

  it('is read again when a file changes; what cannot be used changes nothing', () => {
    const env = testEnvironment(dir)
    const identities = new TlsIdentities(env)
    assert.throws(() => identities.of(files))
    place(one, 'key', 2)
    const first = identities.of(files)
    assert.equal(identities.of(files), first)

    place(two, 'pem', 3)
    assert.equal(identities.of(files).context, first.context)
    identities.of(files)
    assert.equal(env.log.lines.filter((line) => line.includes('stay in use')).length, 1)

    place(two, 'key', 3)
    const second = identities.of(files)
    assert.notEqual(second.context, first.context)
    assert.notEqual(second.version, first.version)
  })
})
