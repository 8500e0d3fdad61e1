/**
 * Whether Haraka's first process starts workers that take the mail in its place (smtp.ini `nodes`), and
 * how many. The argument has the keys of smtp.ini's first part. Haraka starts one worker where `nodes`
 * is not said; 0 is none; `cpus` one for each processor.
 */
import { cpus } from 'node:os'

type SmtpIni = Readonly<Record<string, string | number | boolean | undefined>>

export function startsWorkers({ nodes }: SmtpIni): boolean {
  return nodes === undefined || Boolean(nodes)
}

/** Processes that take and deliver mail. */
export function processCount({ nodes }: SmtpIni): number {
  const count = nodes === 'cpus' ? cpus().length : Number(nodes ?? 1)
  return Number.isSafeInteger(count) && count > 1 ? count : 1
}
