/**
 * smtp.ini, Haraka's own file, as far as the pack looks at it: where Haraka listens, whom it changes to,
 * and which processes take mail. Haraka starts one worker where `nodes` is not said; 0 is none; `cpus`
 * one for each processor. What Haraka itself would not understand is not judged here. Pure.
 */
import { cpus } from 'node:os'

import { parseListeners, type Listener } from './listeners.js'

export interface SmtpIni {
  readonly listeners: readonly Listener[]
  /** whom Haraka changes to after it has started; empty: nobody */
  readonly user: string
  /** the first process starts workers that take the mail in its place */
  readonly startsWorkers: boolean
  /** that take and deliver mail */
  readonly processes: number
}

export type IniValues = Readonly<Record<string, string | number | boolean | undefined>>

/** `main`: the keys of the file's first part. */
export function readSmtpIni(main: IniValues): SmtpIni {
  const { nodes, user = '' } = main
  const count = nodes === 'cpus' ? cpus().length : Number(nodes ?? 1)
  return {
    listeners: parseListeners(main),
    user: String(user),
    startsWorkers: nodes === undefined || (Boolean(nodes) && count !== 0),
    processes: Number.isSafeInteger(count) && count > 1 ? count : 1,
  }
}
