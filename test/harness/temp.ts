/** Folders for one test file each, removed when the process ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders: string[] = []
process.on('exit', () => {
  if (process.env['KEEP_TEMP']) return
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A new empty folder; `KEEP_TEMP=1` keeps them for a look. */
export function tempDir(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `address-space-${name}-`))
  folders.push(folder)
  return folder
}
