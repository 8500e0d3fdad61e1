#!/usr/bin/env node
/**
 * The command `address-space`: reads the command line and hands over to one file a command.
 *
 * Exit codes: 0 done, 1 it found or met something wrong (told on stderr), 2 a command line that it
 * does not understand.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Command, CommanderError } from 'commander'

import { addCheck } from './check/check.js'
import { addDrain } from './drain.js'
import { addExplain } from './explain.js'
import { addExport } from './export.js'
import { addImport } from './import.js'
import { addInit } from './init.js'
import { addProbe } from './probe.js'
import { addQueue } from './queue/queue.js'
import { addStage } from './stage.js'
import { addTrace } from './trace.js'

const { version } = JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as {
  version: string
}

const program = new Command('address-space')
  .description('Shares one SMTP address space between several mail systems, with Haraka.')
  .version(version)
  .exitOverride()
  .showHelpAfterError()

addInit(program)
addCheck(program)
addExplain(program)
addImport(program)
addExport(program)
addProbe(program)
addQueue(program)
addTrace(program)
addStage(program)
addDrain(program)

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
    return
  }
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
