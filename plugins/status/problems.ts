/**
 * What is wrong with the running gateway, in `check`'s words: what, why it matters, what to do. The
 * worst first. Pure.
 */
import { formatDuration } from '../config/units.js'
import { findingOf } from '../operations/asked-host.js'
import { note, someOf, wrong, type Finding } from '../operations/finding.js'
import { placeTitle } from './page/words.js'
import type { PlaceView, StatusView } from './view.js'

type Seen = Omit<StatusView, 'problems'>

const day = 86_400_000
// milliseconds; sooner, a waiting message is nothing unusual
const longWait = 30 * 60_000

export function problemsOf(view: Seen): Finding[] {
  const findings = [
    ...processProblems(view),
    ...configurationProblems(view),
    ...diskProblems(view),
    ...directoryProblems(view),
    ...view.places.flatMap((place) => placeProblems(place, view.at)),
    ...beliefProblems(view),
    ...queueProblems(view),
    ...certificateProblems(view),
    ...journalProblems(view),
    ...drainProblems(view),
  ]
  return findings.sort((a, b) => Number(b.kind === 'wrong') - Number(a.kind === 'wrong'))
}

function processProblems({ processes: { expected, answering } }: Seen): Finding[] {
  if (answering >= expected) return []
  return [
    wrong(
      'Haraka',
      `${answering} of ${expected} processes answer`,
      'less mail is taken at a time, and the numbers here are those of the processes that answer',
      'look into the log; Haraka starts a process that died again by itself',
    ),
  ]
}

function configurationProblems({ configuration: { failed } }: Seen): Finding[] {
  if (!failed) return []
  return [
    wrong(
      'configuration',
      someOf(failed.errors, 3),
      'the change has no effect: the last good configuration stays in force, and a restart would fail',
      'mend the file; `address-space check` says when it is right',
    ),
  ]
}

function diskProblems({ disk }: Seen): Finding[] {
  if (!disk || disk.free >= 2 * disk.floor) return []
  const left = `${formatOctets(disk.free)} of ${formatOctets(disk.size)} are free`
  const todo = `free space where ${disk.folder} is`
  return [
    disk.free < disk.floor
      ? wrong(disk.folder, left, 'no new mail is taken (452 4.3.1); what is queued goes on', todo)
      : note(disk.folder, left, `below ${formatOctets(disk.floor)} no new mail is taken`, todo),
  ]
}

function directoryProblems({ directories }: Seen): Finding[] {
  return directories.flatMap(({ name, condition, trouble, source }) => {
    const where = `directory ${name}`
    if (condition === 'trouble') {
      return wrong(
        where,
        trouble,
        'mail for addresses that are not known from before is deferred (450 4.4.3); nothing is refused',
        `look whether ${source} can be reached; \`address-space check\` asks it`,
      )
    }
    if (condition !== 'attention') return []
    return note(
      where,
      trouble,
      'the version before stays in use: later changes have no effect yet',
      `look at ${source}; \`address-space check\` reads it`,
    )
  })
}

function placeProblems(place: PlaceView, at: number): Finding[] {
  return [...hostProblems(place), ...pauseProblems(place), ...waitProblems(place, at)]
}

function hostProblems(place: PlaceView): Finding[] {
  const { hosts, waiting } = place
  const where = placeTitle(place)
  const alone = hosts.filter(({ condition }) => condition === 'left-alone')
  const words = someOf(
    alone.map(({ host, reason }) => `${host}: ${reason}`),
    3,
  )
  const look = 'look whether the host runs, and at the port and firewall between'
  const full = hosts.filter(({ condition }) => condition === 'full')
  const limits = full.map(({ host, limit }) => `${host} takes ${limit} sessions`)
  return [
    ...(alone.length > 0 && alone.length === hosts.length
      ? [
          wrong(
            where,
            `no host can be reached. ${words}`,
            'its mail waits in the queue, and goes out by itself when a host is well again',
            look,
          ),
        ]
      : []),
    ...(alone.length > 0 && alone.length < hosts.length
      ? [
          note(
            where,
            `some hosts are left alone. ${words}`,
            'the other hosts take its mail meanwhile',
            look,
          ),
        ]
      : []),
    ...(full.length > 0 && waiting.messages > 0
      ? [
          note(
            where,
            `${someOf(limits)} and no more`,
            'mail waits for a session, and is delivered slower than it comes',
            'let the host take more sessions from this gateway, or accept the delay',
          ),
        ]
      : []),
  ]
}

function pauseProblems(place: PlaceView): Finding[] {
  if (!place.paused) return []
  return [
    note(
      placeTitle(place),
      `paused: ${place.paused.reason}`,
      'its mail is accepted and waits; it does not expire meanwhile',
      `\`address-space queue resume ${place.key}\`, or Resume below`,
    ),
  ]
}

function waitProblems(place: PlaceView, at: number): Finding[] {
  const { paused, waiting, warnAfter, lastReply, key } = place
  const age = at - (waiting.oldest ?? at)
  if (paused || age <= longWait) return []
  const late = warnAfter > 0 && age > warnAfter
  const kind = late ? wrong : note
  return [
    kind(
      placeTitle(place),
      `the oldest message has waited for ${formatDuration(age)}`,
      late
        ? 'senders are told that their mail is late'
        : warnAfter === 0
          ? 'its sender is not told of the delay (warn_after = 0)'
          : `after ${formatDuration(warnAfter)} its sender is told that it is late`,
      lastReply === ''
        ? `\`address-space queue show ${key}\` says why`
        : `the host last said: ${lastReply}`,
    ),
  ]
}

/** A host that takes everybody, or refuses everybody. */
function beliefProblems({ beliefs = [] }: Seen): Finding[] {
  return beliefs
    .flatMap(({ connector, ...asked }) => {
      return findingOf({ ...asked, where: `connector ${connector}`, verifyRecipients: true })
    })
    .filter(({ kind }) => kind !== 'good')
}

function queueProblems({ queueTrouble, kept }: Seen): Finding[] {
  const findings: Finding[] = []
  if (queueTrouble !== undefined) {
    findings.push(
      wrong(
        'queue',
        queueTrouble,
        'the numbers of waiting mail are not those of now',
        'look at the folder of the queue and its permissions',
      ),
    )
  }
  if (kept > 0) {
    findings.push(
      note(
        'queue',
        `${kept} ${kept === 1 ? 'message' : 'messages'} could go to nobody`,
        'neither the recipient nor the sender can be reached; each is kept for some days',
        '`address-space queue` lists them',
      ),
    )
  }
  return findings
}

function certificateProblems({ certificates, at }: Seen): Finding[] {
  return certificates.flatMap(({ where, notAfter }) => {
    const left = notAfter - at
    if (left > 14 * day) return []
    const kind = left > 2 * day ? note : wrong
    return kind(
      where,
      left > 0 ? `the certificate ends in ${formatDuration(left)}` : 'the certificate has ended',
      'hosts that check it refuse to talk to this gateway',
      'renew it, and let Haraka read it again',
    )
  })
}

function journalProblems({ journal: { dropped } }: Seen): Finding[] {
  if (dropped === 0) return []
  return [
    note(
      'journal',
      `${dropped} ${dropped === 1 ? 'line' : 'lines'} could not be written`,
      '`address-space trace` does not know of what they would have told; the mail itself went on',
      'look at the space and the permissions of the folder `journal`',
    ),
  ]
}

function drainProblems({ draining, at }: Seen): Finding[] {
  if (!draining) return []
  return [
    note(
      'this gateway',
      `drained since ${formatDuration(at - draining.since)}`,
      'it tells balancers to send no new mail here; what comes is taken, what waits is delivered',
      'after the maintenance: `address-space undrain`',
    ),
  ]
}

export function formatOctets(octets: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(octets, 1)) / 10))
  const value = octets / 1024 ** power
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}
