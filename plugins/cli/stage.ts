/**
 * `address-space stage`: a test MX on this machine with this install's configuration, or with the
 * sample, and a catcher in place of every other system. No mail leaves the machine.
 *
 * It sends a message to the addresses given, or the sample messages, as a stranger would, and prints
 * what became of each recipient; with the sample the exit code is 0 only if all went as they should.
 * Then it listens until Ctrl-C, and prints each decision and each arrival.
 */
import { join } from 'node:path'

import type { Command } from 'commander'

import { parseDecision, reasonOf } from '../stage/decision-log.js'
import { sampleMessages, type SampleMessage } from '../stage/sample.js'
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

/** a complaint of the pack's, in Haraka's log */
const ours = /\[(WARN|ERROR|CRIT)\] \[[^\]]*\] \[address-space\//u
const packageDir = join(__dirname, '..')

export function addStage(program: Command): void {
  program
    .command('stage')
    .description('a test MX on this machine: every smart host is a local catcher, no mail leaves')
    .argument('[addresses...]', 'send each of them a message first, as a stranger')
    .addOption(configOption())
    .option('--sample', 'the sample configuration and messages instead of this install')
    .option('--once', 'end after these messages')
    .option('-p, --port <port>', 'where the gateway listens on 127.0.0.1, if it is free', '2525')
    .action(stage)
}

async function stage(addresses: readonly string[], options: Options): Promise<void> {
  const interrupted = untilInterrupted()
  const sample = options.sample === true
  const messages = sample ? sampleMessages : addresses.map(messageTo)
  if (options.once === true && messages.length === 0) {
    throw new Error('expected --once with --sample or with addresses to send to')
  }
  const configDir = sample
    ? join(packageDir, 'sample-config')
    : join(installDir(options.config), 'config')

  const progress = new Progress('Starting Haraka and a catcher for each other system')
  const staged = await StagedMx.start({
    configDir,
    packageDir,
    harakaFrom: [process.cwd()],
    port: Number(options.port),
    statusPort: 9904,
  }).finally(() => progress.end())
  try {
    describe(staged)
    const died = staged.gateway.exited.then(() => {
      const last = staged.gateway.logLines.slice(-20).join('\n')
      throw new Error(`Haraka ended by itself; its last words:\n${last}`)
    })
    const once = options.once === true
    const end = await Promise.race([run(staged, messages, once), interrupted, died])
    if (end === 'interrupted' && once) process.exitCode = 130
  } finally {
    await staged.stop()
  }
}

async function run(
  staged: StagedMx,
  messages: readonly SampleMessage[],
  once: boolean,
): Promise<'done'> {
  if (messages.length > 0) await show(staged, messages)
  if (once) return 'done'
  watch(staged)
  return new Promise(() => undefined)
}

function messageTo(address: string): SampleMessage {
  return { title: `from a stranger to ${address}`, recipients: [{ address }] }
}

/** Settles at Ctrl-C; a second one does not leave Haraka behind either. */
function untilInterrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => resolve('interrupted'))
  })
}

function describe({ gateway, catchers, status }: StagedMx): void {
  console.log(`Haraka listens on ${gateway.host}:${gateway.port}. In place of the other systems:`)
  for (const [place, catcher] of catchers) {
    console.log(`  ${placeName(place).padEnd(20)} ${catcher.smartHost}`)
  }
  console.log(`Status page: http://127.0.0.1:${status.port}/ (token to act: ${status.token})`)
}

async function show(staged: StagedMx, messages: readonly SampleMessage[]): Promise<void> {
  const style = terminalStyle()
  const judged: boolean[] = []
  console.log(`\n${formatHead(style)}`)
  for await (const section of sendSample(staged, messages)) {
    console.log(formatSection(section, style))
    judged.push(...section.rows.flatMap(({ asExpected }) => asExpected ?? []))
  }
  const wrong = judged.filter((right) => !right).length
  if (judged.length > 0) {
    const verdict = wrong === 0 ? `All ${judged.length}` : `${wrong} of ${judged.length}`
    console.log(`\n${verdict} recipients ${wrong === 0 ? '' : 'NOT '}as expected.`)
  }
  if (wrong === 0) return
  process.exitCode = 1
  const complaints = staged.gateway.logLines.filter((line) => ours.test(line))
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
