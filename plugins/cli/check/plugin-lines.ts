/**
 * The lines of `config/plugins`: does another plugin take a decision away from the pack, and will
 * somebody take the messages? Haraka asks plugins in the order of their lines; the first that
 * accepts a recipient or a message is the last one asked. Pure.
 */
import { allParts } from '../../decision/configuration.js'
import { note, wrong, type Finding } from '../../operations/finding.js'

const where = 'config/plugins'
const decides = 'address-space/accepted-domains'
const follows = 'address-space/contacts'
const delivers = 'address-space/connectors'

// plugins that accept or refuse recipients by an address list of their own
const recipientPlugin =
  /^(?:rcpt_to\.(?!max_count|access)\S+|in_host_list|recipient-routes|rcpt-ldap|ldap|qmail-deliverable|aliases|alias_forwarder|wildduck)$/u
// quarantine takes only what another plugin has marked
const queuePlugin = /^(?:queue\/(?!quarantine$)\S+|test_queue)$/u

/** `needsQueue`: whether mail for some mailboxes is left to the queue plugin that follows. */
export function checkPluginLines(lines: readonly string[], needsQueue: boolean): Finding[] {
  if (!lines.some((line) => /^(?:haraka-plugin-)?address-space/u.test(line))) {
    return [
      note(
        where,
        'enables no part of the pack yet',
        'nothing changes until it does; everything below is checked as if all three were enabled',
        `add the lines ${decides}, ${follows} and ${delivers}`,
      ),
    ]
  }
  return [...checkSpelling(lines), ...checkRecipients(lines), ...checkQueues(lines, needsQueue)]
}

function checkSpelling(lines: readonly string[]): Finding[] {
  const known = [...allParts, 'status'].map((part) => `address-space/${part}`)
  const ours = lines.filter((line) => /^(?:haraka-plugin-)?address-space/u.test(line))
  return [...new Set(ours)].flatMap((line): Finding[] => {
    if (!known.includes(line)) {
      return [
        wrong(
          where,
          `expected ${known.join(', ')}, got \`${line}\``,
          'Haraka does not start with a plugin that it cannot find',
          'write the line as one of these',
        ),
      ]
    }
    if (ours.filter((other) => other === line).length === 1) return []
    const what = `${line} stands twice`
    return [wrong(where, what, 'Haraka would ask it twice', 'keep the first of the lines')]
  })
}

function checkRecipients(lines: readonly string[]): Finding[] {
  const ours = lines.indexOf(decides)
  const others = lines.filter((line) => recipientPlugin.test(line))
  if (ours === -1) {
    if (others.length > 0) return []
    return [
      wrong(
        where,
        `neither ${decides} nor another plugin accepts recipients`,
        'every recipient of a stranger is refused',
        `add ${decides}, or a plugin such as rcpt_to.in_host_list`,
      ),
    ]
  }
  return others.map((line) =>
    lines.indexOf(line) < ours
      ? wrong(
          where,
          `${line} stands above ${decides}`,
          'what it accepts is never asked here: unknown recipients and contacts slip by',
          `take ${line} out; its domains belong into accepted-domains.ini`,
        )
      : note(
          where,
          `${line} stands below ${decides}`,
          'it is not asked any more, and whoever reads the file may think that it is',
          `take ${line} out`,
        ),
  )
}

function checkQueues(lines: readonly string[], needsQueue: boolean): Finding[] {
  const ours = lines.indexOf(delivers)
  const queues = lines.filter((line) => queuePlugin.test(line))
  const [first] = queues
  if (ours === -1) {
    if (first !== undefined) return []
    return [
      wrong(
        where,
        `neither ${delivers} nor another plugin delivers`,
        'Haraka refuses every message that nobody takes',
        `add ${delivers}, or a queue plugin`,
      ),
    ]
  }
  const findings = queues.flatMap((line): Finding[] => {
    if (lines.indexOf(line) < ours) {
      return [
        wrong(
          where,
          `${line} stands above ${delivers}`,
          'it takes every message away, also those for the other systems',
          `put ${line} below, if it holds your mailboxes; else take it out`,
        ),
      ]
    }
    if (needsQueue) return []
    return [
      note(
        where,
        `${line} stands below ${delivers}`,
        'every recipient has a place already: it gets no message',
        `take ${line} out`,
      ),
    ]
  })
  if (needsQueue && !queues.some((line) => lines.indexOf(line) > ours)) {
    findings.push(
      wrong(
        'directory.ini mailbox_host',
        `is empty, and no queue plugin stands below ${delivers}`,
        'nobody takes the messages for mailboxes: Haraka refuses them',
        'set mailbox_host for each directory that has mailboxes, or add a queue plugin',
      ),
    )
  }
  return findings
}
