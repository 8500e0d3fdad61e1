/**
 * Builds `dist/`, the root of the npm package: the compiled plugins with their types, the manifests
 * and manuals of the three plugins, the commented configuration, docs/, README, CHANGELOG and LICENSE.
 *
 * Built beside the old one and swapped in whole, so that nothing stale ships. `--if-stale` does
 * nothing while no source is newer than the last build. A failure leaves the old build and exits 1.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

export const root = join(__dirname, '..')
export const dist = join(root, 'dist')
const documents = ['README.md', 'CHANGELOG.md', 'LICENSE']
const sources = [
  'plugins',
  'config',
  'contrib',
  'docs',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  ...documents,
]
const manifestKeys = [
  'name',
  'version',
  'description',
  'license',
  'author',
  'homepage',
  'repository',
  'bugs',
  'keywords',
  'engines',
  'dependencies',
]
const bin = { 'address-space': 'cli/main.js' }

/** Compiles and assembles the package; rejects with the compiler's words. */
export async function build(): Promise<void> {
  const fresh = join(root, `.dist-${process.pid}`)
  try {
    await compile(fresh)
    await Promise.all([
      copyManualsAndManifests(fresh),
      cp(join(root, 'config'), join(fresh, 'sample-config'), { recursive: true }),
      cp(join(root, 'contrib'), join(fresh, 'contrib'), { recursive: true }),
      cp(join(root, 'plugins/status/assets'), join(fresh, 'status/assets'), { recursive: true }),
      copyDocuments(fresh),
      ...Object.values(bin).map((program) => chmod(join(fresh, program), 0o755)),
    ])
    // written last, since its time is the time of the build
    await writeFile(join(fresh, 'package.json'), await manifest())
    await rm(dist, { recursive: true, force: true })
    await rename(fresh, dist)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** Builds if a source is newer than the last build; answers whether it did. */
export async function buildIfStale(): Promise<boolean> {
  const built = await stat(join(dist, 'package.json')).catch(() => undefined)
  const newest = Math.max(...(await Promise.all(sources.map((name) => newestIn(join(root, name))))))
  if (built !== undefined && built.mtimeMs > newest) return false
  await build()
  return true
}

async function compile(outDir: string): Promise<void> {
  const typescript = createRequire(__filename).resolve('typescript/package.json')
  const tsc = join(dirname(typescript), 'bin', 'tsc')
  try {
    await promisify(execFile)(
      process.execPath,
      [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir],
      { cwd: root },
    )
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string }
    throw new Error(stdout.trim() || message, { cause: error })
  }
}

async function copyManualsAndManifests(outDir: string): Promise<void> {
  const plugins = join(root, 'plugins')
  for (const folder of await readdir(plugins)) {
    const copy = async (name: string): Promise<void> =>
      copyText(join(plugins, folder, name), join(outDir, folder, name))
    await copy('package.json').catch(ignoreMissing)
    await copy('README.md').catch(ignoreMissing)
  }
}

async function copyDocuments(outDir: string): Promise<void> {
  await mkdir(join(outDir, 'docs'))
  const docs = (await readdir(join(root, 'docs'))).map((name) => join('docs', name))
  for (const name of [...documents, ...docs]) {
    if (name.endsWith('.md') || name === 'LICENSE') {
      await copyText(join(root, name), join(outDir, name))
    } else await cp(join(root, name), join(outDir, name), { recursive: true })
  }
}

/** The package has the plugins' folders at its root, so links between documents change. */
async function copyText(from: string, to: string): Promise<void> {
  const text = await readFile(from, 'utf8')
  const linked = text
    .replaceAll('](../../docs/', '](../docs/')
    .replace(/\]\(((?:\.\.\/)?)plugins\//gu, ']($1')
    .replaceAll('](config)', '](sample-config)')
  await writeFile(to, from.endsWith('.md') ? linked : text)
}

async function manifest(): Promise<string> {
  const whole: Record<string, unknown> = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  )
  const shipped = Object.fromEntries(manifestKeys.map((key) => [key, whole[key]]))
  return `${JSON.stringify({ ...shipped, bin, exports: await exported() }, null, 2)}\n`
}

/** The plugins, each with its types; Haraka itself loads them by their folders. */
async function exported(): Promise<Record<string, unknown>> {
  const folders = await readdir(join(root, 'plugins'))
  const plugins = folders.filter((name) => existsSync(join(root, 'plugins', name, 'package.json')))
  const entry = (name: string): [string, unknown] => [
    `./${name}`,
    { types: `./${name}/index.d.ts`, default: `./${name}/index.js` },
  ]
  return { ...Object.fromEntries(plugins.map(entry)), './package.json': './package.json' }
}

/** The newest change in a file or folder; folders count too, since a removed file changes them. */
async function newestIn(path: string): Promise<number> {
  const { mtimeMs } = await stat(path)
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(ignoreFile)
  const times = await Promise.all(
    entries.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).mtimeMs),
  )
  return Math.max(mtimeMs, ...times)
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

function ignoreFile(error: NodeJS.ErrnoException): [] {
  if (error.code !== 'ENOTDIR') throw error
  return []
}

async function main(): Promise<void> {
  const started = performance.now()
  const built = process.argv.includes('--if-stale') ? await buildIfStale() : await buildAlways()
  if (built) console.log(`Built dist/ in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

async function buildAlways(): Promise<true> {
  await build()
  return true
}

if (require.main === module) {
  main().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
