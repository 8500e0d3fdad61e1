/**
 * `npm start`, `npm test`, `npm run bench` and `npm run congestion` from a fresh clone, with Node and
 * nothing else: installs what package-lock.json says if it is not there yet, builds if a source is newer
 * than the last build, then runs the staged MX, the tests or a benchmark. Plain JavaScript, since nothing
 * is installed when it starts.
 *
 * Further arguments are passed on: `npm start -- --once`, `npm test -- test/stage/catcher.test.ts`.
 * It ends with the exit code of what it ran; 1 if it could not install or build.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const leastNode = 20
const [task, ...rest] = process.argv.slice(2)

const tasks = {
  start: () => ['dist/cli/main.js', 'stage', '--sample', ...rest],
  bench: () => ['--import', 'tsx', 'scripts/bench/main.ts', ...rest],
  congestion: () => ['--import', 'tsx', 'scripts/congestion/main.ts', ...rest],
  test: () => ['node_modules/mocha/bin/mocha.js', '--reporter', 'scripts/reporter.cjs', ...tests()],
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

async function main() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < leastNode) throw new Error(`expected Node ${leastNode} or later, got ${major}`)
  if (!Object.hasOwn(tasks, task)) throw new Error(`expected ${Object.keys(tasks).join(', ')}`)
  if (!isInstalled()) await install()
  const built = await run(process.execPath, ['--import', 'tsx', 'scripts/build.ts', '--if-stale'])
  if (built !== 0) return built
  return run(process.execPath, tasks[task]())
}

/** All of them, unless the arguments name some. */
function tests() {
  return rest.some((argument) => argument.endsWith('.ts')) ? rest : ['test/**/*.test.ts', ...rest]
}

/** Whether npm's own record of what it installed agrees with package-lock.json. */
function isInstalled() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages
  return Object.entries(locked()).every(([path, { version, optional }]) =>
    installed[path] === undefined ? optional === true : installed[path].version === version,
  )
}

/** What package-lock.json says about each package, by its folder. */
function locked() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  delete packages['']
  return packages
}

async function install() {
  const folders = Object.entries(locked())
    .filter(([, { optional }]) => optional !== true)
    .map(([path]) => join(root, path, 'package.json'))
  const started = Date.now()
  const show = () => {
    const done = folders.filter((path) => statSync(path, { throwIfNoEntry: false })).length
    const percent = Math.floor((done / folders.length) * 100)
    process.stdout.write(`\rInstalling ${folders.length} packages … ${percent} % `)
  }
  const timer = process.stdout.isTTY ? setInterval(show, 200) : undefined
  if (!timer) console.log(`Installing ${folders.length} packages …`)
  // a lock file that lacks another platform's optional packages stops `npm ci`, but not `install`
  const code = (await npm('ci', 'ignore')) && (await npm('install', 'inherit'))
  clearInterval(timer)
  if (timer) process.stdout.write('\r\u001b[K')
  if (code !== 0) throw new Error('npm could not install the packages; its reason stands above')
  console.log(
    `Installed ${folders.length} packages in ${Math.round((Date.now() - started) / 1000)} s`,
  )
}

/** npm itself; no package may run code of its own while it is installed, and none of ours needs to. */
function npm(command, errors) {
  const args = [command, '--no-save', '--ignore-scripts', '--include=dev', '--loglevel=error']
  const path = process.env.npm_execpath
  const stdio = ['inherit', 'ignore', errors]
  return path ? run(process.execPath, [path, ...args], stdio) : run('npm', args, stdio)
}

/** Runs a program with our terminal; answers its exit code, 1 if a signal ended it. */
function run(program, args, stdio = 'inherit') {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio })
    // Ctrl-C reaches the child too: it tidies up, and we end with it
    const forward = (signal) => child.kill(signal)
    process.on('SIGINT', ignore)
    process.on('SIGTERM', forward)
    child.once('error', reject)
    child.once('close', (code) => {
      process.off('SIGINT', ignore)
      process.off('SIGTERM', forward)
      resolve(code ?? 1)
    })
  })
}

function ignore() {}
