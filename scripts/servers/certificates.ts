/** A certificate authority for tests, and a server's certificate from it, made with openssl. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { run } from './process.js'

export interface Certificates {
  /** PEM files */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

/** Makes them in `folder`; `names` as openssl writes them: `DNS:localhost`, `IP:127.0.0.1`. */
export async function makeCertificates(
  folder: string,
  names: readonly string[] = ['DNS:localhost', 'IP:127.0.0.1'],
): Promise<Certificates> {
  const file = (name: string): string => join(folder, name)
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  const openssl = (options: string, ...more: string[]): Promise<string> =>
    run('openssl', [...options.split(' '), ...more])

  const days = '-days 2'
  await openssl(
    `req -x509 ${newKey} ${days} -keyout ${file('ca.key')} -out ${file('ca.pem')}`,
    '-subj',
    '/CN=Test authority',
  )
  await openssl(
    `req ${newKey} -keyout ${file('server.key')} -out ${file('server.csr')}`,
    '-subj',
    '/CN=Test server',
  )
  writeFileSync(file('server.ext'), `subjectAltName=${names.join(',')}\n`)
  await openssl(
    `x509 -req -in ${file('server.csr')} ${days} -extfile ${file('server.ext')} -CA ${file('ca.pem')}` +
      ` -CAkey ${file('ca.key')} -CAcreateserial -out ${file('server.pem')}`,
  )
  return { ca: file('ca.pem'), certificate: file('server.pem'), key: file('server.key') }
}
