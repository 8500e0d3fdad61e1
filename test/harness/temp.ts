/** Folders for one test file each, removed when the process ends; `KEEP_TEMP=1` keeps them for a look. */
import { temporaryFolder } from '../../scripts/servers/process.js'

/** A new empty folder. */
export function tempDir(name: string): string {
  return temporaryFolder(`address-space-${name}`)
}
