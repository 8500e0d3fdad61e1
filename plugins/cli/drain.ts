/**
 * `address-space drain` and `undrain`: before and after maintenance. A drained gateway answers no to
 * `/healthz/ready`, so a balancer sends new mail to the others; what comes all the same is taken, and
 * what waits is delivered.
 */
import { dirname, resolve } from 'node:path'

import type { Command } from 'commander'

import { formatDuration } from '../config/units.js'
import { drain, readDraining, undrain } from '../operations/draining.js'
import { installPaths } from '../operations/install-paths.js'
import { configOption } from './install-dir.js'
import { readInstall } from './opened-install.js'

interface Options {
  readonly config: string
}

export function addDrain(program: Command): void {
  program
    .command('drain')
    .description('before maintenance: tell balancers to send no new mail to this gateway')
    .addOption(configOption())
    .action(({ config }: Options) => {
      const { control, user, queue } = placesOf(config)
      const before = readDraining(control)
      drain(control, user)
      console.log(
        before
          ? `This gateway has been drained for ${formatDuration(Date.now() - before.since)} already.`
          : `Drained: /healthz/ready says no. What comes is still taken; what waits in ${queue} is delivered.`,
      )
      console.log('After the maintenance: address-space undrain')
    })
  program
    .command('undrain')
    .description('after maintenance: this gateway takes new mail again')
    .addOption(configOption())
    .action(({ config }: Options) => {
      const was = undrain(placesOf(config).control)
      console.log(was ? 'This gateway takes new mail again.' : 'This gateway was not drained.')
    })
}

function placesOf(given: string) {
  const install = readInstall(given)
  const configDir = resolve(install.configDir)
  const { control, queue } = installPaths(configDir, install.list('queue_dir')[0] ?? '')
  return { control, queue: resolve(dirname(configDir), queue), user: install.user }
}
