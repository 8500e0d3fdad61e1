/** A real Prometheus that scrapes a gateway under the rules of contrib/, made quick enough for a test. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../../plugins/stage/free-port.js'
import { ServerProcess } from '../../../scripts/servers/process.js'
import { tempDir } from '../../harness/temp.js'
import { token } from './site.js'

export const contrib = join(__dirname, '..', '..', '..', 'contrib')
export const rules = readFileSync(join(contrib, 'prometheus', 'address-space.rules.yml'), 'utf8')

export interface QueryAnswer {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] }
}

export class Prometheus {
  private readonly process: ServerProcess
  private readonly api: string

  private constructor(process: ServerProcess, port: number) {
    this.process = process
    this.api = `http://127.0.0.1:${port}/api/v1`
  }

  /** `seconds`: between scrapes, and the longest that one may take. */
  static async start(target: number, ruleText: string, seconds = 1): Promise<Prometheus> {
    const dir = tempDir('prometheus')
    const port = await freePort('127.0.0.1')
    writeFileSync(join(dir, 'rules.yml'), ruleText)
    writeFileSync(join(dir, 'token'), token, { mode: 0o600 })
    writeFileSync(
      join(dir, 'prometheus.yml'),
      `global: {scrape_interval: ${seconds}s, scrape_timeout: ${seconds}s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: address-space
    authorization: {credentials_file: token}
    static_configs: [{targets: ['127.0.0.1:${target}']}]
`,
    )
    const process = new ServerProcess('/usr/bin/prometheus', [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    await process.listening(port)
    return new Prometheus(process, port)
  }

  async stop(): Promise<void> {
    await this.process.stop()
  }

  async query(expression: string): Promise<QueryAnswer> {
    const response = await fetch(`${this.api}/query?query=${encodeURIComponent(expression)}`)
    return (await response.json()) as QueryAnswer
  }

  /** Of the first series; `undefined`: there is none. */
  async value(expression: string): Promise<number | undefined> {
    const [first] = (await this.query(expression)).data.result
    return first && Number(first.value[1])
  }

  /** How many alerts of that name fire now; `labels` as in a query: `place="connector:unix"`. */
  async firing(alert: string, labels = ''): Promise<number> {
    const series = `ALERTS{alertname="${alert}",alertstate="firing"${labels && `,${labels}`}}`
    return (await this.value(`count(${series}) or vector(0)`)) ?? 0
  }
}

/** The names of the rules' alerts. */
export function alertNames(): string[] {
  return [...rules.matchAll(/- alert: (\w+)/gu)].map(([, name = '']) => name)
}
