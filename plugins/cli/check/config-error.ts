/**
 * From an error of the configuration (`file [section] key: expected …, got …`) to a finding: why it
 * matters and what to do about it. Pure.
 */
import { wrong, type Finding } from '../../operations/finding.js'

interface Advice {
  readonly when: RegExp
  readonly why: string
  readonly todo: string
}

const start = 'Haraka does not start with it; a running one keeps the configuration it has'

const advices: readonly Advice[] = [
  {
    when: /an authoritative domain cannot be shared/u,
    why: 'the directory is the whole truth for it: nothing is left that strangers could send on',
    todo: 'if another system has some of its users, put it into shared; else set allow_relay = false',
  },
  {
    when: /has no connector; expected one/u,
    why: 'each recipient that the directory does not know would be refused as an attempt to relay',
    todo: 'add the domain to the address_spaces of the connector to the system that has the rest',
  },
  {
    when: /is this gateway itself/u,
    why: 'the gateway would hand the mail to itself until it has made too many hops',
    todo: 'name the server of the other system; a second server on this machine needs its own port',
  },
  {
    when: /needs a directory/u,
    why: 'without a directory nobody exists, and all mail would be refused',
    todo: 'add a section to directory.ini, or make the domain shared or relay',
  },
  {
    when: /unknown key|unknown section/u,
    why: `a misspelt setting would silently have no effect; ${start}`,
    todo: 'correct the spelling, or take the line out',
  },
  {
    when: /stands twice|in one list only/u,
    why: `only one of them could count; ${start}`,
    todo: 'keep one of them',
  },
  {
    when: /a comment must stand on a line of its own/u,
    why: 'Haraka would take the comment for a part of the value',
    todo: 'put the comment on a line of its own, above',
  },
  {
    when: /EACCES/u,
    why: 'who runs this command may not read it; Haraka may be able to',
    todo: 'run check as root, or as the user that Haraka runs as',
  },
  {
    when: /a file for its owner alone/u,
    why: 'others on this machine can read the secret',
    todo: 'chmod 600 the file, and chown it to the user that Haraka runs as',
  },
  {
    when: /expected a secret in this file/u,
    why: start,
    todo: 'write the secret into the file, for the user alone that Haraka runs as (mode 600)',
  },
  {
    when: /characters a line/u,
    why: 'a short secret can be guessed, and then loops be faked',
    todo: 'take the file away: a good one is made at the next start; copy it to every gateway',
  },
  {
    when: /postmaster: expected the address/u,
    why: 'mail for postmaster has to be accepted in every domain (RFC 5321 4.5.1)',
    todo: 'name an address that somebody reads, in the directory or behind a connector',
  },
  {
    when: /a password for `bind_dn`|whose password this is/u,
    why: 'a name without a password is an anonymous bind: every address could seem unknown',
    todo: 'set bind_dn and bind_password_file, or neither',
  },
]

/** The finding for one line of a ConfigError. */
export function findingOf(error: string): Finding {
  const [, where = 'configuration', what = error] =
    /^([\w-]+\.ini(?: \[[^\]]*\])?(?: line \d+)?(?: [\w[\].:-]+)?): (.*)$/su.exec(error) ?? []
  const advice = advices.find(({ when }) => when.test(error))
  return wrong(
    where,
    what,
    advice?.why ?? start,
    advice?.todo ??
      'write what is expected; the commented files that `init` copies show each setting',
  )
}
