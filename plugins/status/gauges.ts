/**
 * The metrics that are not counts: how it is now, out of the same view as the page. Labels are names
 * of the configuration; the hosts of places by MX are left out, since strangers choose them.
 */
import { Gauge, Registry } from 'prom-client'

import type { StatusView } from './view.js'

export function gaugesOf(view: StatusView): Registry {
  const registry = new Registry()
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `address_space_${name}`, help, labelNames, registers: [registry] })
  gatewayGauges(view, gauge)
  diskGauges(view, gauge)
  certificateGauges(view, gauge)
  placeGauges(view, gauge)
  hostGauges(view, gauge)
  directoryGauges(view, gauge)
  return registry
}

const seconds = (milliseconds: number): number => Math.max(0, milliseconds) / 1000

type MakeGauge = <L extends string>(name: string, help: string, labels?: readonly L[]) => Gauge<L>

function gatewayGauges(view: StatusView, gauge: MakeGauge): void {
  const { processes, configuration, draining } = view
  gauge('info', 'Always 1; the version of the pack.', ['version']).set({ version: view.version }, 1)
  gauge('processes', 'Processes that take mail.').set(processes.expected)
  gauge('processes_answering', 'Those of them that answer.').set(processes.answering)
  gauge('draining', '1 while this gateway is drained for maintenance.').set(draining ? 1 : 0)
  gauge(
    'configuration_reload_failed',
    '1 if the last change of the configuration could not be taken into use.',
  ).set(configuration.failed ? 1 : 0)
  gauge(
    'configuration_timestamp_seconds',
    'Since when the configuration is in force (Unix time).',
  ).set(configuration.since / 1000)
  gauge('queue_kept_messages', 'Messages that can go to nobody, kept for the administrator.').set(
    view.kept,
  )
  gauge('queue_readable', '1 if the queue could be read; else its numbers are old.').set(
    view.queueTrouble === undefined ? 1 : 0,
  )
}

function diskGauges({ disk }: StatusView, gauge: MakeGauge): void {
  if (!disk) return
  gauge('disk_free_bytes', 'Free space where the queue is.').set(disk.free)
  gauge('disk_size_bytes', 'Size of the disk where the queue is.').set(disk.size)
  gauge('disk_floor_bytes', 'Below this much free space no new mail is taken.').set(disk.floor)
}

function certificateGauges({ certificates }: StatusView, gauge: MakeGauge): void {
  const certificate = gauge(
    'certificate_not_after_timestamp_seconds',
    'When the certificate ends (Unix time).',
    ['where'],
  )
  for (const { where, notAfter } of certificates) certificate.set({ where }, notAfter / 1000)
}

function directoryGauges({ directories, at }: StatusView, gauge: MakeGauge): void {
  const entries = gauge('directory_entries', 'Entries of a directory in memory.', ['directory'])
  const age = gauge('directory_age_seconds', 'Age of what is in memory of a directory.', [
    'directory',
  ])
  const failing = gauge('directory_failing', '1 while a directory cannot answer.', ['directory'])
  const stale = gauge('directory_stale', '1 while a newer version cannot be taken into use.', [
    'directory',
  ])
  for (const { name: directory, condition, entries: known, asOf } of directories) {
    if (known !== undefined) entries.set({ directory }, known)
    if (asOf !== undefined) age.set({ directory }, seconds(at - asOf))
    failing.set({ directory }, condition === 'trouble' ? 1 : 0)
    stale.set({ directory }, condition === 'attention' ? 1 : 0)
  }
}

function placeGauges(view: StatusView, gauge: MakeGauge): void {
  const messages = gauge('queue_messages', 'Messages that wait, by where they go.', ['place'])
  const recipients = gauge('queue_recipients', 'Recipients that wait, by where they go.', ['place'])
  const oldest = gauge('queue_oldest_age_seconds', 'Age of the oldest message that waits.', [
    'place',
  ])
  const paused = gauge('place_paused', '1 while an administrator holds its mail back.', ['place'])
  for (const { key: place, waiting, paused: pause } of view.places) {
    messages.set({ place }, waiting.messages)
    recipients.set({ place }, waiting.recipients)
    oldest.set({ place }, waiting.oldest === undefined ? 0 : seconds(view.at - waiting.oldest))
    paused.set({ place }, pause ? 1 : 0)
  }
}

function hostGauges(view: StatusView, gauge: MakeGauge): void {
  const labels = ['place', 'host'] as const
  const alone = gauge('host_left_alone', '1 while a host is left alone since it failed.', labels)
  const full = gauge('host_full', '1 while a host takes no more sessions.', labels)
  const limit = gauge('host_sessions_limit', 'Sessions that may be open with a host.', labels)
  const sessions = gauge('host_sessions', 'Open sessions with a host: busy or idle.', [
    ...labels,
    'state',
  ])
  for (const place of view.places) {
    // by MX, the domain of a stranger's message names the hosts
    if (place.kind === 'outbound' || !place.configuredHosts) continue
    for (const { host, condition, busy, idle, limit: most } of place.hosts) {
      const at = { place: place.key, host }
      alone.set(at, condition === 'left-alone' ? 1 : 0)
      full.set(at, condition === 'full' ? 1 : 0)
      limit.set(at, most)
      sessions.set({ ...at, state: 'busy' }, busy)
      sessions.set({ ...at, state: 'idle' }, idle)
    }
  }
}
