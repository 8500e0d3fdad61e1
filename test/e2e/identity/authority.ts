/** A certificate authority of a test's own that issues certificates by name, and what Haraka's tls plugin needs. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { run } from '../../../scripts/servers/process.js'

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'

/** Files and their text. */
export interface Issued {
  readonly certFile: string
  readonly keyFile: string
  readonly cert: string
  readonly key: string
}

export class Authority {
  readonly caFile: string
  private readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
    this.caFile = join(folder, 'ca.pem')
  }

  static async make(folder: string): Promise<Authority> {
    const authority = new Authority(folder)
    await openssl(
      `req -x509 ${newKey} -days 9 -subj /CN=authority -keyout ${folder}/ca.key -out ${folder}/ca.pem`,
    )
    return authority
  }

  get ca(): string {
    return readFileSync(this.caFile, 'utf8')
  }

  /** For a DNS name. */
  async issue(name: string, days = 3): Promise<Issued> {
    const file = (end: string): string => join(this.folder, `${name}.${end}`)
    await openssl(`req ${newKey} -subj /CN=${name} -keyout ${file('key')} -out ${file('csr')}`)
    writeFileSync(file('ext'), `subjectAltName=DNS:${name}\n`)
    await openssl(
      `x509 -req -in ${file('csr')} -days ${days} -extfile ${file('ext')} -CA ${this.caFile}` +
        ` -CAkey ${this.folder}/ca.key -CAcreateserial -out ${file('pem')}`,
    )
    const [certFile, keyFile] = [file('pem'), file('key')]
    const [cert, key] = [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')]
    return { certFile, keyFile, cert, key }
  }
}

function openssl(options: string): Promise<string> {
  return run('openssl', options.split(' '))
}

/** The files of `config/` for Haraka's tls plugin. Parameters of RFC 7919, so that none are made at start. */
export function tlsPluginFiles({ cert, key }: Issued, ca: string): Record<string, string> {
  return {
    'tls.ini': 'key=mx.key\ncert=mx.pem\nca=clients-ca.pem\n',
    'mx.key': key,
    'mx.pem': cert,
    'clients-ca.pem': ca,
    'dhparams.pem': `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
`,
  }
}
