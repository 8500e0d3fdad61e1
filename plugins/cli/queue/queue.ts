/**
 * `address-space queue …`: what waits, where, why, and what to do about it. Each command does one
 * thing; reading changes nothing.
 *
 * Exit code 1 if what is asked for cannot be done; the message says what to do instead.
 */
import type { Command } from 'commander'

import { configOption } from '../install-dir.js'
import { terminalStyle } from '../terminal.js'
import { adopt, drop, giveBack, pause, resume, retry } from './actions.js'
import { listEntries, listPlaces, type ListOptions } from './list.js'
import { showEntry } from './show.js'

interface Common {
  readonly config: string
}

export function addQueue(program: Command): void {
  const queue = program
    .command('queue')
    .description('what waits, where and why; retry, pause, resume, return, drop, adopt')
    .option('--ages', 'messages by age instead')
    .option('--json', 'the rows as a JSON array, for scripts')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Examples:
  address-space queue                                        a row a place
  address-space queue list unix                              a row an entry
  address-space queue pause unix --reason "new disks" --for 2h
  address-space queue retry unix

PLACE is connector:NAME, mailbox-host:NAME or outbound:DOMAIN; the name alone will do. ID is an
entry's id, the beginning of it, or its file. Run it as root or as the user that Haraka runs as.`,
    )
    .action(async (options: ListOptions) => {
      console.log(await listPlaces(options, terminalStyle()))
    })
  addReading(queue)
  addChanging(queue)
}

function addReading(queue: Command): void {
  queue
    .command('list')
    .description('the entries, of a place or all; `kept`: those that nobody could be told of')
    .argument('[place]')
    .option('--json', 'as a JSON array')
    .addOption(configOption())
    .action(async (place: string | undefined, _: unknown, command: Command) => {
      const options: ListOptions = command.optsWithGlobals()
      console.log(await listEntries(place, options, terminalStyle()))
    })
  queue
    .command('show')
    .description('one entry: sender, recipients, place, each attempt; never the body')
    .argument('<id>')
    .option('--json', 'as a JSON object')
    .addOption(configOption())
    .action(async (id: string, _: unknown, command: Command) => {
      console.log(await showEntry(id, command.optsWithGlobals<ListOptions>()))
    })
}

function addChanging(queue: Command): void {
  const act = (
    [name, argument, description]: readonly [string, string, string],
    run: (config: string, argument: string) => Promise<string>,
  ): void => {
    queue
      .command(name)
      .description(description)
      .argument(argument)
      .addOption(configOption())
      .action(async (text: string, _: unknown, command: Command) => {
        console.log(await run(command.optsWithGlobals<Common>().config, text))
      })
  }
  act(['retry', '<place|id>', 'try now what waits there'], retry)
  queue
    .command('pause')
    .description('hold the mail of a place back: taken, but not tried, and not given up')
    .argument('<place>')
    .requiredOption('--reason <text>', 'why; shown wherever the place is')
    .option('--for <time>', 'it ends by itself, after 30m, 2h, 1d …')
    .addOption(configOption())
    .action(async (place: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Common & { reason: string; for?: string }>()
      console.log(await pause(options.config, place, options))
    })
  act(['resume', '<place>', 'end a pause'], resume)
  act(['return', '<id>', 'give up now: the sender gets a report'], giveBack)
  queue
    .command('drop')
    .description('remove an entry: nobody gets it, nobody is told')
    .argument('<id>')
    .option('--yes <id>', 'the id once more, in place of typing it')
    .addOption(configOption())
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Common & { yes?: string }>()
      console.log(await drop(options.config, id, options))
    })
  act(['adopt', '<dir>', 'take over what another, dead gateway left in its queue folder'], adopt)
}
