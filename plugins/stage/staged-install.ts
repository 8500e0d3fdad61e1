/**
 * A Haraka install in a folder of its own, as `haraka -i` makes it, with this package in it and the
 * configuration that the caller wants. Everything is local: nothing is downloaded.
 */
import { existsSync, realpathSync } from 'node:fs'
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { randomBytes } from 'node:crypto'

export type LogLevel = 'notice' | 'info' | 'debug' | 'protocol' | 'data'

export interface InstallOptions {
  /** the folder; made if it is not there */
  readonly dir: string
  /** the folder of Haraka's own package */
  readonly haraka: string
  /** the built package `haraka-plugin-address-space` */
  readonly packageDir: string
  /** where Haraka listens */
  readonly host: string
  readonly port: number
  /** lines of config/plugins */
  readonly plugins: readonly string[]
  /** further files of config/, by name; they win over what is written here */
  readonly config?: Readonly<Record<string, string | Uint8Array>>
  /** plugins of the install's own, by file name */
  readonly pluginFiles?: Readonly<Record<string, string>>
  /** processes that take mail; 0, the default, is one process without a master */
  readonly nodes?: number
  /** the gateway's host name */
  readonly me?: string
  readonly logLevel?: LogLevel
}

/** Makes the install; Haraka can be started in it afterwards. */
export async function makeInstall(options: InstallOptions): Promise<void> {
  const { dir, haraka, packageDir, me = 'gateway.example' } = options
  const config = join(dir, 'config')
  for (const name of ['config', 'plugins', 'docs', 'queue', 'node_modules']) {
    await mkdir(join(dir, name), { recursive: true })
  }
  // without connection.ini Haraka dies at the first connection; `haraka -o` needs Plugins.md
  await cp(join(haraka, 'config', 'connection.ini'), join(config, 'connection.ini'))
  await cp(join(haraka, 'docs', 'Plugins.md'), join(dir, 'docs', 'Plugins.md'))
  await symlink(packageDir, join(dir, 'node_modules', 'haraka-plugin-address-space'), 'dir')
  const files: Record<string, string | Uint8Array> = {
    me: `${me}\n`,
    host_list: `${me}\n`,
    internalcmd_key: randomBytes(32).toString('hex'),
    plugins: `${options.plugins.join('\n')}\n`,
    'log.ini': `[main]\nlevel=${options.logLevel ?? 'info'}\nformat=default\n`,
    'smtp.ini': [
      `listen=${options.host.includes(':') ? `[${options.host}]` : options.host}:${options.port}`,
      `nodes=${options.nodes ?? 0}`,
      '',
    ].join('\n'),
    ...options.config,
  }
  for (const [name, content] of Object.entries(options.pluginFiles ?? {})) {
    await writeFile(join(dir, 'plugins', name), content)
  }
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(config, name)), { recursive: true })
    await writeFile(join(config, name), content)
  }
}

/** The folder of Haraka's package: found from the folders given, else behind `haraka` on the PATH. */
export function findHaraka(from: readonly string[]): string {
  const require = createRequire(__filename)
  for (const name of ['haraka', 'Haraka']) {
    try {
      return dirname(require.resolve(`${name}/package.json`, { paths: [...from] }))
    } catch {
      // looked for elsewhere
    }
  }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'haraka')
    if (existsSync(program)) return dirname(dirname(realpathSync(program)))
  }
  throw new Error('expected Haraka beside this package or on the PATH, found none')
}
