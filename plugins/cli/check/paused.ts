/** Places that an administrator holds back: nothing is wrong, but somebody should remember it. */
import { errorText } from '../../basics/error-text.js'
import { formatDuration } from '../../config/units.js'
import { installPaths } from '../../operations/install-paths.js'
import { readPauses } from '../../operations/pauses.js'
import type { Install } from '../opened-install.js'
import { note, wrong, type Finding } from '../../operations/finding.js'

export function checkPaused(install: Install, now = Date.now()): Finding[] {
  const { control } = pathsOf(install)
  try {
    return [...readPauses(control, now)].map(([place, { reason, since, until, by }]) => {
      const end = until === undefined ? 'until it is resumed' : `for ${formatDuration(until - now)}`
      return note(
        place,
        `is paused ${end}: ${reason} (by ${by}, ${formatDuration(now - since)} ago)`,
        'its mail is taken and waits: nobody gets it, and nobody is told',
        `address-space queue resume ${place}`,
      )
    })
  } catch (error) {
    const reason = errorText(error)
    const { code } = error as NodeJS.ErrnoException
    return [
      (code === 'EACCES' ? note : wrong)(
        control,
        `what is paused cannot be read: ${reason}`,
        'a gateway that starts would deliver what is held back',
        'run check as root, or as the user that Haraka runs as; else take paused.json away',
      ),
    ]
  }
}

export function pathsOf(install: Install): ReturnType<typeof installPaths> {
  return installPaths(install.configDir, install.list('queue_dir')[0] ?? '')
}
