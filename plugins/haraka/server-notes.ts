/** What plugins of one process have in common: Haraka's own notes of the server. */
import type { HarakaPlugin } from './haraka.js'

type Notes = Record<string, unknown>

// Haraka looks for the module's file each time it is asked
const known = new WeakMap<HarakaPlugin, Notes>()

export function serverNotes(plugin: HarakaPlugin): Notes {
  let notes = known.get(plugin)
  if (!notes) {
    notes = (plugin.haraka_require('server') as { notes: Notes }).notes
    known.set(plugin, notes)
  }
  return notes
}
