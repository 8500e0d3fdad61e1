/** Certificates of a test's own authority that are good, expired or for another name; one without. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { run } from '../../../scripts/servers/process.js'

export interface Certificate {
  readonly cert: string
  readonly key: string
}

export const certificateKinds = ['good', 'expired', 'wrong name', 'self-signed'] as const
export type CertificateKind = (typeof certificateKinds)[number]

export interface CertificateSet extends Record<CertificateKind, Certificate> {
  /** PEM file of the authority */
  readonly ca: string
}

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'

/** The options are separated by blanks; no value of ours has one. */
function openssl(options: string): Promise<string> {
  return run('openssl', options.split(' '))
}

/** Makes them in `folder` for `ip`. */
export async function makeCertificateSet(folder: string, ip: string): Promise<CertificateSet> {
  const file = (name: string): string => join(folder, name)
  mkdirSync(file('issued'))
  writeFileSync(file('index.txt'), '')
  writeFileSync(file('serial'), '01\n')
  writeFileSync(file('ca.cnf'), authority(folder))
  await openssl(
    `req -x509 ${newKey} -days 2 -subj /CN=authority -keyout ${file('ca.key')} -out ${file('ca.pem')}`,
  )

  const issue = async (name: string, san: string, from: Date, to: Date): Promise<Certificate> => {
    const [key, request, cert] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.pem`)]
    await openssl(`req ${newKey} -subj /CN=${name} -keyout ${key} -out ${request}`)
    writeFileSync(file(`${name}.ext`), `subjectAltName=${san}\n`)
    await openssl(
      `ca -batch -notext -config ${file('ca.cnf')} -extfile ${file(`${name}.ext`)}` +
        ` -startdate ${utc(from)} -enddate ${utc(to)} -in ${request} -out ${cert}`,
    )
    return read(cert, key)
  }
  const day = 86_400_000
  const [yesterday, tomorrow] = [new Date(Date.now() - day), new Date(Date.now() + day)]
  const lastWeek = new Date(Date.now() - 7 * day)
  const good = await issue('good', `IP:${ip}`, yesterday, tomorrow)
  const expired = await issue('expired', `IP:${ip}`, lastWeek, yesterday)
  const wrong = await issue('wrong', 'DNS:other.example', yesterday, tomorrow)
  const [ownKey, own] = [file('own.key'), file('own.pem')]
  await openssl(
    `req -x509 ${newKey} -days 2 -subj /CN=own -addext subjectAltName=IP:${ip}` +
      ` -keyout ${ownKey} -out ${own}`,
  )
  const selfSigned = read(own, ownKey)
  return { ca: file('ca.pem'), good, expired, 'wrong name': wrong, 'self-signed': selfSigned }
}

function read(cert: string, key: string): Certificate {
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

/** `20250131235959Z` */
function utc(date: Date): string {
  return date.toISOString().replace(/\.\d+/u, '').replace(/[-:T]/gu, '')
}

function authority(folder: string): string {
  return [
    '[ca]\ndefault_ca = test\n[test]',
    `database = ${folder}/index.txt\nserial = ${folder}/serial\nnew_certs_dir = ${folder}/issued`,
    `certificate = ${folder}/ca.pem\nprivate_key = ${folder}/ca.key`,
    'default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n',
  ].join('\n')
}
