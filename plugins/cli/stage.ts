/**
 * `address-space stage`: a test MX on this machine with this install's configuration, or with the
 * sample, and a catcher in place of every other system. No mail leaves the machine.
 *
 * With the sample it sends the sample messages first and prints what became of each recipient; the
 * exit code of `--once` is 0 only if all went as they should. Otherwise it listens until Ctrl-C, and
 * prints each decision and each arrival.
 */
import { join } from 'node:path'

import type { Command } from 'commander'

import { parseDecision, reasonOf } from '../stage/decision-log.js'
import { sampleMessages } from '../stage/sample.js'
import { placeName, sendSample } from '../stage/send-sample.js'
import { StagedMx } from '../stage/staged-mx.js'
import { formatHead, formatSection } from '../stage/table.js'
import { configOption, installDir } from './install-dir.js'
import { Progress } from './progress.js'
import { terminalStyle } from './terminal.js'

interface Options {
  readonly config: string
  readonly sample?: true
  readonly once?: true
  readonly port: string
}

const packageDir = join(__dirname, '..')

export function addStage(program: Command): void {
  program
    .command('stage')
    .description('a test MX on this machine: every smart host is a local catcher, no mail leaves')
    .addOption(configOption())
    .option('--sample', 'the sample configuration and messages instead of this install')
    .option('--once', 'end after the sample messages; exit code 0 only if all went right')
    .option('-p, --port <port>', 'where the gateway listens on 127.0.0.1, if it is free', '2525')
    .action(stage)
}

async function stage(options: Options): Promise<void> {
  const interrupted = new Promise<'interrupted'>((resolve) => {
    // every time: a second Ctrl-C must not leave Haraka behind
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.on(signal, () => resolve('interrupted'))
    }
  })
  const sample = options.sample === true || options.once === true
  const configDir = sample
    ? join(packageDir, 'sample-config')
    : join(installDir(options.config), 'config')

  const progress = new Progress('Starting Haraka and a catcher for each other system')
  const staged = await StagedMx.start({
    configDir,
    packageDir,
    harakaFrom: [process.cwd()],
    port: Number(options.port),
  }).finally(() => progress.end())
  try {
    describe(staged)
    const shown = sample ? await Promise.race([showSample(staged), interrupted]) : 'listening'
    if (shown === 'interrupted') process.exitCode = 130
    else if (options.once !== true) {
      watch(staged)
      await interrupted
      process.exitCode = 0
    }
  } finally {
    await staged.stop()
  }
}

function describe({ gateway, catchers }: StagedMx): void {
  console.log(`Haraka listens on ${gateway.host}:${gateway.port}. In place of the other systems:`)
  for (const [place, catcher] of catchers) {
    console.log(`  ${placeName(place).padEnd(20)} ${catcher.smartHost}`)
  }
}

async function showSample(staged: StagedMx): Promise<void> {
  const style = terminalStyle()
  let wrong = 0
  let all = 0
  console.log(`\n${formatHead(style)}`)
  for await (const section of sendSample(staged, sampleMessages)) {
    console.log(formatSection(section, style))
    all += section.rows.length
    wrong += section.rows.filter(({ asExpected }) => !asExpected).length
  }
  console.log(
    wrong === 0
      ? `\nAll ${all} recipients as expected.`
      : `\n${wrong} of ${all} recipients NOT as expected.`,
  )
  if (wrong === 0) return
  process.exitCode = 1
  const complaints = staged.gateway.logLines.filter((line) =>
    /\[(WARN|ERROR|CRIT)\] \[[^\]]*\] \[address-space\//u.test(line),
  )
  if (complaints.length > 0) console.log(`\nHaraka says:\n${complaints.slice(-20).join('\n')}`)
}

/** Prints every decision and every arrival from now on. */
function watch(staged: StagedMx): void {
  const { host, port } = staged.gateway
  console.log(`
Send mail yourself, for example:
  curl smtp://${host}:${port} --mail-from you@elsewhere.example --mail-rcpt anna@example.local -T README.md
Ctrl-C ends everything.
`)
  staged.gateway.onLine((line) => {
    const decision = parseDecision(line)
    if (!decision) return
    const outcome =
      decision.place === undefined ? `refused ${decision.reply ?? ''}` : placeName(decision.place)
    console.log(`${decision.recipient}: ${outcome} (${reasonOf(decision)})`)
  })
  staged.onMessage((place, { from, to, raw }) => {
    console.log(
      `  arrived at ${placeName(place)}: <${from}> to ${to.join(', ')}, ${raw.length} bytes`,
    )
  })
}
