/** An environment for tests: a configuration folder and a log that is kept. */
import type { Environment, Log } from '../../plugins/config/environment.js'

export interface KeptLog extends Log {
  /** `level message` */
  readonly lines: string[]
}

export function testEnvironment(configDir: string): Environment & { readonly log: KeptLog } {
  const lines: string[] = []
  const at =
    (level: string) =>
    (message: string): void =>
      void lines.push(`${level} ${message}`)
  return {
    configDir,
    log: {
      lines,
      debug: at('debug'),
      info: at('info'),
      notice: at('notice'),
      warn: at('warn'),
      error: at('error'),
      crit: at('crit'),
    },
  }
}
