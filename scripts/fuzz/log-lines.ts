/**
 * What a gateway really logged, read back as `check --log` and the staged MX read it: every decision of our own
 * plugins is read, and no word of a client, a host or a server passes for one.
 */
import { parseDecision } from '../../plugins/stage/decision-log.js'
import type { Finding } from './finding.js'

/** Whom only forged lines name (hostile-ldap.ts). */
const victim = 'forged@example.com'
// with Haraka's own words in front, nothing of anybody else
const own =
  /^(?:\S+ )?\[\w+\] \[[^\]\s]*\] \[address-space\/(?:accepted-domains|contacts|connectors)\] decision=/u

export function logFindings(lines: readonly string[]): Finding[] {
  return lines.flatMap((line): Finding[] => {
    const decision = parseDecision(line)
    if (decision?.recipient === victim) {
      return [{ what: 'a line of the log was forged', detail: line.slice(0, 500) }]
    }
    if (decision || !own.test(line)) return []
    return [{ what: 'a decision in the log is not read back', detail: line.slice(0, 500) }]
  })
}
