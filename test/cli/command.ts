/** Runs the built command `address-space` as a user would, and gives what it printed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { buildIfStale, dist } from '../../scripts/build.js'

export interface CommandRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

let built: Promise<boolean> | undefined

/** Settles when the command has ended, whatever its exit code. */
export async function runCommand(
  args: readonly string[],
  options: {
    readonly cwd?: string
    readonly input?: string
    /** Ctrl-C once this stands in its output */
    readonly interruptAt?: RegExp
  } = {},
): Promise<CommandRun> {
  built ??= buildIfStale()
  await built
  const child = spawn(process.execPath, [join(dist, 'cli', 'main.js'), ...args], {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { ...process.env, NO_COLOR: '1' },
  })
  let stdout = ''
  let stderr = ''
  let interrupted = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (interrupted || options.interruptAt?.test(stdout) !== true) return
    interrupted = true
    child.kill('SIGINT')
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
