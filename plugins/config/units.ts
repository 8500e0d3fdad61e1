/**
 * Durations and sizes as people write them: `30s`, `15m`, `2h`, `30d`; `500K`, `256M`, `1G`. Pure.
 */
const durationUnits: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const sizeUnits: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** What an error says is expected. */
export const durationForm = 'a time such as 90s, 15m, 2h or 30d'
export const sizeForm = 'a size such as 500K, 256M or 1G'

/** Milliseconds; `undefined`: not a time above zero. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])$/iu.exec(text.trim())
  const unit = durationUnits[match?.[2]?.toLowerCase() ?? '']
  const ms = match && unit !== undefined ? Number(match[1]) * unit : 0
  return ms > 0 ? ms : undefined
}

/** Octets; `undefined`: not a size above zero. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s*([KMG]?)B?$/iu.exec(text.trim())
  const unit = sizeUnits[match?.[2]?.toUpperCase() ?? '']
  const octets = match && unit !== undefined ? Math.floor(Number(match[1]) * unit) : 0
  return octets > 0 ? octets : undefined
}

/** `40 s`, `12 min`, `3 h 5 min`, `2 d 4 h`: two units at most. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}
