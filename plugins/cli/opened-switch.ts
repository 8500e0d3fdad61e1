/**
 * The mail switch of an install, opened: its directories and smart hosts can be asked, as the
 * gateway asks them. `close` ends every connection.
 */
import { Resolver } from '../delivery/hosts/resolver.js'
import { Sessions } from '../delivery/hosts/sessions.js'
import { TargetFinder } from '../delivery/hosts/target.js'
import { connectorHosts } from '../delivery/verify/connector-hosts.js'
import { Verifier } from '../delivery/verify/verifier.js'
import { nextSystemsOver } from '../gateway/next-systems.js'
import type { Environment } from '../config/environment.js'
import { hostOfMailbox } from '../directory/mailboxes.js'
import { openDirectories } from '../directory/open.js'
import type { ReplicaState } from '../directory/replica/replica-directory.js'
import { stateFolderOf } from '../config/state-folder.js'
import { makeSwitch, type Configuration, type NextSystems } from '../decision/configuration.js'
import type { SwitchParts } from '../decision/mail-switch.js'
import type { Install } from './opened-install.js'
import { ProgressBar } from './progress-bar.js'

export interface OpenedSwitch {
  readonly parts: SwitchParts
  /** of the directories that are replicas */
  replicas(): readonly ReplicaState[]
  close(): Promise<void>
}

/** Opens the directories; settles when each file has been loaded, or has failed to. */
export async function openSwitch(
  install: Install,
  configuration: Configuration,
  env: Environment,
): Promise<OpenedSwitch> {
  const directories =
    configuration.directories &&
    openDirectories(configuration.directories, env, {
      replica: 'look',
      stateDir: stateFolderOf(install.configDir),
    })
  const sessions = new Sessions({ log: env.log })
  const finder = targetFinder(install, configuration, env)
  await showing('Loading the directories', directories?.ready())
  return {
    parts: makeSwitch(install.parts, configuration, directories, nextSystems()),
    replicas: () => directories?.replicas() ?? [],
    close: async () => {
      sessions.close()
      await directories?.close()
    },
  }

  function nextSystems(): NextSystems {
    const session = { gatewayName: install.me }
    const verifier = new Verifier({
      hosts: connectorHosts({ finder, sessions, session }),
      connector: (name) => configuration.connectors?.connectors.get(name),
      log: env.log,
      // a person waits longer than a client, and nothing goes on after that
      patience: { client: 20_000, turn: 20_000, question: 20_000 },
    })
    return nextSystemsOver({
      addressesOf: (connector) => finder.addressesOf(connector),
      verify: (connector, recipient) => verifier.verify(connector, recipient),
    })
  }
}

/** A large file takes some seconds. */
async function showing(text: string, work: Promise<void> | undefined): Promise<void> {
  const bar = new ProgressBar(text)
  const started = Date.now()
  const timer = setInterval(() => {
    bar.at(undefined, `${Math.floor((Date.now() - started) / 1000)} s`)
  }, 250)
  try {
    await work
  } finally {
    clearInterval(timer)
    bar.end()
  }
}

/** Finds the servers behind connectors and mailbox hosts, as delivery does. */
export function targetFinder(
  install: Install,
  { connectors, directories }: Pick<Configuration, 'connectors' | 'directories'>,
  env: Environment,
): TargetFinder {
  return new TargetFinder(
    {
      connector: (name) => connectors?.connectors.get(name),
      mailboxHost: (name, host) => {
        const settings = directories?.directories.find((one) => one.name === name)
        return settings && hostOfMailbox(settings, host)
      },
      gatewayId: () => connectors?.gatewayId || install.me,
      isSelf: (ip, port) => install.isSelf(ip, port),
      env,
    },
    new Resolver(),
  )
}
